namespace MtaTls.QuicTunnel.Sessions;

/// <summary>Takes the packets of clients on their way out of the tunnel.</summary>
internal interface ISessionRouter
{
    void OnPacketFrom(ConcentratorSession session, ushort protocolType, ReadOnlySpan<byte> packet);

    /// <summary>No more packets are at hand.</summary>
    void Flush();
}
