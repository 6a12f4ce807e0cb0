using MtaTls.Quic;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Client;

/// <summary>One QUIC connection of the client. Its link awaits what becomes of it.</summary>
internal sealed class ClientConnection(ClientSessions sessions, int preference) : TunnelConnection(sessions.Counters), IClientControlHandler
{
    private readonly TaskCompletionSource<bool> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<NegotiationOutcome> _negotiated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<QuicCloseReason> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile ClientControl? _control;
    private ClientSession? _joining;
    private ITimer? _presumption;
    private int _isAnswered;

    /// <summary>
    /// A concentrator answers a join with the end of its control stream. One that keeps the stream open, which the draft also asks for, says nothing: what it does not refuse in this time is taken for joined.
    /// </summary>
    public static readonly TimeSpan JoinPresumed = TimeSpan.FromSeconds(1);

    /// <summary>True when the handshake is done, false when the connection ended before.</summary>
    public Task<bool> Connected => _connected.Task;

    public Task<QuicCloseReason> Closed => _closed.Task;

    /// <summary>Asks for a new session, or to join one.</summary>
    public Task<NegotiationOutcome> NegotiateAsync(ClientSession? session, ReadOnlySpan<byte> newSessionValue)
    {
        _joining = session;
        _control = new ClientControl(this, TunnelProtocol.ConcentratorControlStreamId, joining: session is not null);
        byte[] message = session is null ? Tlv.Encode(TlvType.NewSession, newSessionValue) : Tlv.Encode(TlvType.JoinSession, session.Id);
        Connection.SendStream(Connection.OpenUnidirectionalStream(), message, fin: true);
        if (session is not null)
        {
            TimeSpan patience = JoinPresumed + (3 * Connection.SmoothedRtt);
            _presumption = sessions.TimeProvider.CreateTimer(static state => ((ClientConnection)state!).PresumeJoined(), this, patience, Timeout.InfiniteTimeSpan);
        }

        return _negotiated.Task;
    }

    // On the loop thread: packets that follow the answer find their session.
    void IClientControlHandler.OnSessionCreated(ReadOnlySpan<byte> sessionId)
    {
        ClientSession session = sessions.Create(sessionId.ToArray());
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
            // It was taken for joined.
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

        if (_joining!.Join(Connection, preference) is { } path)
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
            throw new ControlViolationException("The concentrator answered before it was asked.");
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
