namespace MtaTls.Protocol;

/// <summary>The packet types of section 2.3.</summary>
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
