namespace MtaTls.QuicTunnel.Control;

/// <summary>Receives the messages of a client from the concentrator's control plane.</summary>
internal interface IConcentratorControlHandler
{
    void OnNewSession(ReadOnlySpan<byte> value);

    void OnJoinSession(ReadOnlySpan<byte> sessionId);

    void OnAccessReport(AccessReport report);

    /// <summary>Another concentrator joins a client's connection to a session. Only for its connections, as is <see cref="OnPathLimit"/>.</summary>
    void OnRelayJoin(RelayJoin join)
    {
    }

    /// <summary>The largest datagram, in bytes, that the client's path to the other concentrator carries.</summary>
    void OnPathLimit(int largestDatagram)
    {
    }
}
