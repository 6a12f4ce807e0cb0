namespace MtaTls.QuicTunnel.Control;

/// <summary>What the client's control plane makes of the concentrator's answers.</summary>
internal interface IClientControlHandler
{
    void OnSessionCreated(ReadOnlySpan<byte> sessionId);

    void OnSessionJoined();

    void OnNegotiationRefused(QuicTunnelError error);
}
