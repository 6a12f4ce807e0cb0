namespace MtaTls.QuicTunnel.Control;

/// <summary>Receives the concentrator's answers from the client's control plane.</summary>
internal interface IClientControlHandler
{
    void OnSessionCreated(ReadOnlySpan<byte> sessionId);

    void OnSessionJoined();

    void OnNegotiationRefused(QuicTunnelError error);
}
