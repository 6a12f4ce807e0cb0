using MtaTls.Quic;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>One client connection: negotiates its session once, then is a path of it. What a client does wrong costs it this connection and nothing else.</summary>
internal sealed class ConcentratorConnection : TunnelConnection, IConcentratorControlHandler
{
    private readonly TunnelConcentrator _concentrator;
    private readonly ConcentratorControl _control;
    private string? _identity;
    private ITimer? _negotiationTimer;

    public ConcentratorConnection(TunnelConcentrator concentrator)
        : base(concentrator.Counters)
    {
        _concentrator = concentrator;
        _control = new ConcentratorControl(this, TunnelProtocol.ClientControlStreamId, concentrator.Options.Sessions.MaxPendingReports);
    }

    protected override void OnNegotiating()
    {
        if (_concentrator.Options.Authentication.Mode == TunnelAuthenticationMode.ClientCertificate)
        {
            _identity = Connection.PeerCertificate?.Subject;
            if (string.IsNullOrEmpty(_identity))
            {
                Close(QuicTunnelError.Unauthorized, "A client certificate with a subject is needed.");
                return;
            }

            if (!IsAdmitted())
            {
                return;
            }
        }

        _negotiationTimer = _concentrator.TimeProvider.CreateTimer(
            static state => ((ConcentratorConnection)state!).OnNegotiationTimeout(), this, _concentrator.Options.Sessions.NegotiationTimeout, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Who is let in has changed. Any thread.</summary>
    public void Reconsider()
    {
        if (Phase is TunnelConnectionPhase.Negotiating or TunnelConnectionPhase.Joined)
        {
            IsAdmitted();
        }
    }

    protected override void OnControlData(long streamId, ReadOnlySpan<byte> data, bool fin) => _control.OnStreamData(streamId, data, fin);

    protected override void OnControlReset(long streamId, ulong errorCode) => _control.OnStreamReset(streamId);

    protected override void OnViolation(ControlViolationException violation) => _concentrator.Log.ControlViolation(Connection.RemoteEndPoint, violation.Message);

    protected override void OnPathMoved(TunnelPath path) =>
        _concentrator.Log.PathMoved(SessionOf(path).Id.Name, Connection.RemoteEndPoint, Connection.MaxDatagramSize);

    protected override void OnEnded(TunnelPath? path, QuicCloseReason reason)
    {
        _negotiationTimer?.Dispose();
        _concentrator.OnConnectionClosed(this);
        if (path is null)
        {
            _concentrator.Log.ConnectionEnded(Connection.RemoteEndPoint, reason.ToString());
            return;
        }

        _concentrator.Log.ConnectionLeft(SessionOf(path).Id.Name, Connection.RemoteEndPoint, reason.ToString());
        SessionOf(path).Leave(path);
    }

    void IConcentratorControlHandler.OnNewSession(ReadOnlySpan<byte> value)
    {
        if (!_concentrator.TryTakeJoin())
        {
            RefuseSession(QuicTunnelError.LimitExceeded, "Too many sessions begin now; try again.");
            return;
        }

        byte[] qosIndication = [];
        if (_concentrator.Options.Authentication.Mode != TunnelAuthenticationMode.Token)
        {
            qosIndication = value.ToArray();
        }
        else if (!_concentrator.Policy.Tokens.TryFind(value, out _identity))
        {
            RefuseSession(QuicTunnelError.Unauthorized, "The token is not valid.");
            return;
        }

        if (!_concentrator.Policy.Admits(_identity))
        {
            RefuseSession(QuicTunnelError.Unauthorized, $"{_identity} is not allowed.");
            return;
        }

        if (_concentrator.Registry.Create(_identity, qosIndication, Connection, out TunnelPath? path) is not { } session)
        {
            RefuseSession(QuicTunnelError.LimitExceeded, "There are too many sessions.");
            return;
        }

        Attach(path!);
        _concentrator.Log.SessionCreated(session.Id.Name, _identity ?? "an anonymous client", Connection.RemoteEndPoint);
        Connection.SendStream(Connection.OpenUnidirectionalStream(), Tlv.Encode(TlvType.SessionId, session.Id.Value), fin: true);
    }

    void IConcentratorControlHandler.OnJoinSession(ReadOnlySpan<byte> sessionId)
    {
        QuicTunnelError error = QuicTunnelError.Unknown;
        TunnelPath? path = null;
        if (_concentrator.TryTakeJoin())
        {
            bool mustBeIdentity = _concentrator.Options.Authentication.Mode == TunnelAuthenticationMode.ClientCertificate;
            switch (_concentrator.Registry.Join(sessionId, _identity, mustBeIdentity, Connection, out path))
            {
                case JoinResult.UnknownSession:
                    error = QuicTunnelError.UnknownSessionId;
                    break;
                case JoinResult.Conflict:
                    error = QuicTunnelError.ConflictingState;
                    break;
            }
        }

        long stream = Connection.OpenUnidirectionalStream();
        if (path is null)
        {
            // The client closes the connection, or the negotiation's time-out does.
            _concentrator.Log.JoinRefused(Connection.RemoteEndPoint, error);
            Connection.ResetStream(stream, (ulong)error);
            return;
        }

        Attach(path);
        _concentrator.Log.SessionJoined(SessionOf(path).Id.Name, Connection.RemoteEndPoint);
        Connection.SendStream(stream, default, fin: true);
    }

    void IConcentratorControlHandler.OnAccessReport(AccessReport report)
    {
        if (Path is { } path)
        {
            SessionOf(path).Report(path, report);
        }
    }

    /// <summary>Closes the connection of a client that is not let in (any more).</summary>
    private bool IsAdmitted()
    {
        AccessPolicy policy = _concentrator.Policy;
        string? why = !policy.Admits(Connection.PeerCertificate) ? "the certificate is revoked" : !policy.Admits(_identity) ? "the identity is not allowed" : null;
        if (why is null)
        {
            return true;
        }

        _concentrator.Log.ClientLockedOut(_identity ?? "", Connection.RemoteEndPoint, why);
        Close(QuicTunnelError.Unauthorized, "Not allowed.");
        return false;
    }

    private static ConcentratorSession SessionOf(TunnelPath path) => (ConcentratorSession)path.Session;

    private void Attach(TunnelPath path)
    {
        Joined(path);
        _negotiationTimer?.Dispose();
    }

    private void OnNegotiationTimeout()
    {
        if (Path is null)
        {
            Close(QuicTunnelError.NegotiationTimeout, "No session was negotiated in time.");
        }
    }

    private void RefuseSession(QuicTunnelError error, string reason)
    {
        _concentrator.Log.SessionRefused(Connection.RemoteEndPoint, reason);
        Close(error, reason);
    }
}
