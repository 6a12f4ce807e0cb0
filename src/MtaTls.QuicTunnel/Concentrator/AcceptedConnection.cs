using MtaTls.Quic;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>
/// A connection that the concentrator has accepted, from a client or from another concentrator. It negotiates a session once, within NegotiationTimeout, and is then a path of that session. A protocol
/// violation closes only this connection.
/// </summary>
internal abstract class AcceptedConnection : TunnelConnection, IConcentratorControlHandler
{
    private readonly ConcentratorControl _control;
    private ITimer? _negotiationTimer;

    /// <param name="concentrator">The concentrator.</param>
    /// <param name="ofNode">Whether the peer is another concentrator.</param>
    protected AcceptedConnection(TunnelConcentrator concentrator, bool ofNode)
        : base(concentrator.Counters)
    {
        Concentrator = concentrator;
        _control = new ConcentratorControl(this, TunnelProtocol.ClientControlStreamId, concentrator.Options.Sessions.MaxPendingReports, ofNode);
    }

    protected TunnelConcentrator Concentrator { get; }

    /// <summary>Whether only the identity that has opened a session may join it.</summary>
    protected bool MustBeIdentity => Concentrator.Options.Authentication.Mode == TunnelAuthenticationMode.ClientCertificate;

    /// <summary>Whether the connection carries packets of a session.</summary>
    protected virtual bool IsNegotiated => Path is not null;

    public abstract void OnNewSession(ReadOnlySpan<byte> value);

    public abstract void OnJoinSession(ReadOnlySpan<byte> sessionId);

    public virtual void OnAccessReport(AccessReport report)
    {
        if (Path is { } path)
        {
            SessionOf(path).Report(path, report);
        }
    }

    protected override void OnNegotiating() => _negotiationTimer = Concentrator.TimeProvider.CreateTimer(
        static state => ((AcceptedConnection)state!).OnNegotiationTimeout(), this, Concentrator.Options.Sessions.NegotiationTimeout, Timeout.InfiniteTimeSpan);

    protected override void OnControlData(long streamId, ReadOnlySpan<byte> data, bool fin) => _control.OnStreamData(streamId, data, fin);

    protected override void OnControlReset(long streamId, ulong errorCode) => _control.OnStreamReset(streamId);

    protected override void OnViolation(ControlViolationException violation) => Concentrator.Log.ControlViolation(Connection.RemoteEndPoint, violation.Message);

    protected override void OnPathMoved(TunnelPath path) => Concentrator.Log.PathMoved(SessionOf(path).Id.Name, Connection.RemoteEndPoint, path.MaxDatagramSize);

    protected override void OnEnded(TunnelPath? path, QuicCloseReason reason)
    {
        EndNegotiation();
        Concentrator.OnConnectionClosed(this);
        if (path is null)
        {
            Concentrator.Log.ConnectionEnded(Connection.RemoteEndPoint, reason.ToString());
        }
    }

    /// <summary>Makes the connection a path.</summary>
    protected void Attach(TunnelPath path)
    {
        Joined(path);
        EndNegotiation();
    }

    /// <summary>Ends the wait for NegotiationTimeout.</summary>
    protected void EndNegotiation() => _negotiationTimer?.Dispose();

    /// <summary>Takes the path from its session.</summary>
    protected void Leave(TunnelPath path, string reason)
    {
        SessionOf(path).Leave(path);
        Concentrator.Log.ConnectionLeft(SessionOf(path).Id.Name, Connection.RemoteEndPoint, reason);
    }

    /// <summary>Refuses a join. Then the peer closes the connection, or NegotiationTimeout does. Any thread may call it.</summary>
    protected void RefuseJoin(QuicTunnelError error)
    {
        Concentrator.Log.JoinRefused(Connection.RemoteEndPoint, error);
        Connection.ResetStream(Connection.OpenUnidirectionalStream(), (ulong)error);
    }

    protected static ConcentratorSession SessionOf(TunnelPath path) => (ConcentratorSession)path.Session;

    private void OnNegotiationTimeout()
    {
        if (!IsNegotiated)
        {
            Close(QuicTunnelError.NegotiationTimeout, "No session was negotiated within NegotiationTimeout.");
        }
    }
}
