namespace MtaTls.QuicTunnel.Sessions;

/// <summary>Receives the packets of clients that leave the tunnel.</summary>
internal interface ISessionRouter
{
    void OnPacketFrom(ConcentratorSession session, ushort protocolType, ReadOnlySpan<byte> packet);

    /// <summary>No more packets follow now.</summary>
    void Flush();
}
