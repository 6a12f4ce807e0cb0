using MtaTls.Quic;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Client;

/// <summary>One QUIC connection of the client. Its link awaits the results.</summary>
internal sealed class ClientConnection(ClientSessions sessions, int preference) : TunnelConnection(sessions.Counters), IClientControlHandler
{
    private readonly TaskCompletionSource<bool> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<NegotiationOutcome> _negotiated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<QuicCloseReason> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile ClientControl? _control;
    private ClientSession? _joining;
    private ITimer? _presumption;
    private int _isAnswered;
    private bool _isElsewhere; // Another concentrator than the session's is asked, which relays.

    /// <summary>
    /// A concentrator answers a join by ending its control stream. A concentrator that keeps the stream open, as the draft also requires (section 4.1), gives no answer. A join that is not refused within this
    /// time therefore counts as successful.
    /// </summary>
    public static readonly TimeSpan JoinPresumed = TimeSpan.FromSeconds(1);

    /// <summary>Completes with true after the handshake, or with false if the connection ended before.</summary>
    public Task<bool> Connected => _connected.Task;

    public Task<QuicCloseReason> Closed => _closed.Task;

    /// <summary>Whether the concentrator announces addresses, and none of them is one of the session's concentrator.</summary>
    public bool IsOfOtherNode(ClientSession session) =>
        session.NodeAddresses.Count > 0 && Connection.PreferredEndPoints.Count > 0 && !session.NodeAddresses.Intersect(Connection.PreferredEndPoints).Any();

    /// <summary>Requests a new session (<paramref name="session"/> is null), or joins a session.</summary>
    public Task<NegotiationOutcome> NegotiateAsync(ClientSession? session, ReadOnlySpan<byte> newSessionValue)
    {
        _joining = session;
        _control = new ClientControl(this, TunnelProtocol.ConcentratorControlStreamId, joining: session is not null);
        byte[] message = session is null ? Tlv.Encode(TlvType.NewSession, newSessionValue) : Tlv.Encode(TlvType.JoinSession, session.Id);
        Connection.SendStream(Connection.OpenUnidirectionalStream(), message, fin: true);
        // A concentrator that announces addresses is this implementation, which always answers; it may have to ask another concentrator first.
        _isElsewhere = session is not null && IsOfOtherNode(session);
        if (session is not null && !_isElsewhere)
        {
            TimeSpan patience = JoinPresumed + (3 * Connection.SmoothedRtt);
            _presumption = sessions.TimeProvider.CreateTimer(static state => ((ClientConnection)state!).PresumeJoined(), this, patience, Timeout.InfiniteTimeSpan);
        }

        return _negotiated.Task;
    }

    // This runs on the loop's thread, so packets after the answer already find their session.
    void IClientControlHandler.OnSessionCreated(ReadOnlySpan<byte> sessionId)
    {
        ClientSession session = sessions.Create(sessionId.ToArray(), Connection.PreferredEndPoints);
        Joined(session.Join(Connection, preference)!);
        sessions.OnReady(session);
        _negotiated.TrySetResult(NegotiationOutcome.Attached);
    }

    void IClientControlHandler.OnSessionJoined() => Join();

    void IClientControlHandler.OnNegotiationRefused(QuicTunnelError error)
    {
        _presumption?.Dispose();
        sessions.Log.JoinRefused(Connection.LocalEndPoint, error);
        if (Interlocked.Exchange(ref _isAnswered, 1) != 0)
        {
            // The refusal came after the join had counted as successful.
            Connection.Close(0, "The join was refused.");
            return;
        }

        _negotiated.TrySetResult(error == QuicTunnelError.UnknownSessionId ? NegotiationOutcome.SessionUnknown : NegotiationOutcome.Failed);
    }

    private void PresumeJoined()
    {
        if (Phase == TunnelConnectionPhase.Negotiating && Connection.IsConnected)
        {
            Join();
        }
    }

    private void Join()
    {
        _presumption?.Dispose();
        if (Interlocked.Exchange(ref _isAnswered, 1) != 0)
        {
            return;
        }

        if (_joining!.Join(Connection, preference, _isElsewhere) is { } path)
        {
            Joined(path);
        }

        _negotiated.TrySetResult(Path is null ? NegotiationOutcome.Failed : NegotiationOutcome.Attached);
    }

    protected override void OnNegotiating() => _connected.TrySetResult(true);

    protected override void OnControlData(long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        if (_control is not { } control)
        {
            throw new ControlViolationException("The concentrator sent an answer before the client's request.");
        }

        control.OnStreamData(streamId, data, fin);
    }

    protected override void OnControlReset(long streamId, ulong errorCode) => _control?.OnStreamReset(streamId, (long)errorCode);

    protected override void OnViolation(ControlViolationException violation) => sessions.Log.ConcentratorViolation(Connection.RemoteEndPoint, violation.Message);

    protected override void OnPathMoved(TunnelPath path) =>
        sessions.Log.PathMoved(Connection.LocalEndPoint, Connection.RemoteEndPoint, Connection.MaxDatagramSize);

    protected override void OnEnded(TunnelPath? path, QuicCloseReason reason)
    {
        _presumption?.Dispose();
        if (path is not null)
        {
            ((ClientSession)path.Session).Leave(path);
        }

        _connected.TrySetResult(false);
        _negotiated.TrySetResult(NegotiationOutcome.Failed);
        _closed.TrySetResult(reason);
    }
}
