namespace MtaTls.QuicTunnel.Control;

/// <summary>What the concentrator's control plane makes of a client's messages.</summary>
internal interface IConcentratorControlHandler
{
    void OnNewSession(ReadOnlySpan<byte> value);

    void OnJoinSession(ReadOnlySpan<byte> sessionId);

    void OnAccessReport(AccessReport report);
}
