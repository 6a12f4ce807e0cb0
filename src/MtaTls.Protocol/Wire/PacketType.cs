namespace MtaTls.Protocol;

/// <summary>The message types of section 2.3; <see cref="Plaintext"/> is the draft's MTATLSPlaintext.</summary>
internal enum PacketType : byte
{
    ChannelEstablishmentRequest = 1,
    ChannelEstablishmentSuccess = 2,
    ChannelRequestEchec = 3,
    ChannelCloseRequest = 4,
    ChannelCloseConfirmation = 5,
    Plaintext = 6,
    NewMaxPacketLength = 7,
    Acknowledgment = 8,
}
