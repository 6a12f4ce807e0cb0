using System.Net.Sockets;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>One client connection: negotiates its session once, then is a path of it. What a client does wrong costs it this connection and nothing else.</summary>
internal sealed class ConcentratorConnection : IQuicConnectionHandler, IConcentratorControlHandler
{
    /// <summary>The client's first unidirectional stream.</summary>
    public const long ControlStreamId = 2;

    private readonly TunnelConcentrator _concentrator;
    private readonly IQuicConnection _connection;
    private readonly ConcentratorControl _control;
    private string? _identity;
    private ITimer? _negotiationTimer;
    private TunnelPath? _path;
    private bool _closing;

    public ConcentratorConnection(TunnelConcentrator concentrator, IQuicConnection connection)
    {
        _concentrator = concentrator;
        _connection = connection;
        _control = new ConcentratorControl(this, ControlStreamId, concentrator.Options.Sessions.MaxPendingReports);
    }

    private ConcentratorSession Session => (ConcentratorSession)_path!.Session;

    public void OnConnected(IQuicConnection connection)
    {
        if (_concentrator.Options.Authentication.Mode == TunnelAuthenticationMode.ClientCertificate)
        {
            _identity = connection.PeerCertificate?.Subject;
            if (string.IsNullOrEmpty(_identity))
            {
                Close(QuicTunnelError.Unauthorized, "A client certificate with a subject is needed.");
                return;
            }
        }

        _negotiationTimer = _concentrator.TimeProvider.CreateTimer(
            static state => ((ConcentratorConnection)state!).OnNegotiationTimeout(), this, _concentrator.Options.Sessions.NegotiationTimeout, Timeout.InfiniteTimeSpan);
    }

    public void OnStreamData(IQuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        if (_closing)
        {
            return;
        }

        try
        {
            _control.OnStreamData(streamId, data, fin);
        }
        catch (ControlViolationException violation)
        {
            Refuse(violation);
        }
    }

    public void OnStreamReset(IQuicConnection connection, long streamId, ulong errorCode)
    {
        if (_closing)
        {
            return;
        }

        try
        {
            _control.OnStreamReset(streamId);
        }
        catch (ControlViolationException violation)
        {
            Refuse(violation);
        }
    }

    public void OnStopSending(IQuicConnection connection, long streamId, ulong errorCode)
    {
    }

    public void OnDatagram(IQuicConnection connection, ReadOnlySpan<byte> data)
    {
        if (_path is { } path)
        {
            path.Session.Receive(path, data);
        }
        else
        {
            _concentrator.Counters.Dropped(DropReason.NotNegotiated);
        }
    }

    public void OnDatagramReady(IQuicConnection connection)
    {
    }

    public void OnPathChanged(IQuicConnection connection)
    {
        if (_path is not null)
        {
            _concentrator.Log.PathMoved(Session.Id.Name, connection.RemoteEndPoint, connection.MaxDatagramSize);
        }
    }

    public void OnSendError(IQuicConnection connection, SocketError error)
    {
        if (_path is not { } path)
        {
            return;
        }

        path.HasSendError = error != SocketError.Success;
        if (path.HasSendError)
        {
            path.Session.Drain(path);
        }
    }

    public void OnClosed(IQuicConnection connection, QuicCloseReason reason)
    {
        _closing = true;
        _negotiationTimer?.Dispose();
        _concentrator.OnConnectionClosed(this);
        if (_path is null)
        {
            _concentrator.Log.ConnectionEnded(connection.RemoteEndPoint, reason.ToString());
            return;
        }

        _concentrator.Log.ConnectionLeft(Session.Id.Name, connection.RemoteEndPoint, reason.ToString());
        Session.Leave(_path);
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
        else if (!_concentrator.Tokens.TryFind(value, out _identity))
        {
            RefuseSession(QuicTunnelError.Unauthorized, "The token is not valid.");
            return;
        }

        if (_concentrator.Registry.Create(_identity, qosIndication, _connection, out TunnelPath? path) is not { } session)
        {
            RefuseSession(QuicTunnelError.LimitExceeded, "There are too many sessions.");
            return;
        }

        Attach(path);
        _concentrator.Log.SessionCreated(session.Id.Name, _identity ?? "an anonymous client", _connection.RemoteEndPoint);
        _connection.SendStream(_connection.OpenUnidirectionalStream(), Tlv.Encode(TlvType.SessionId, session.Id.Value), fin: true);
    }

    void IConcentratorControlHandler.OnJoinSession(ReadOnlySpan<byte> sessionId)
    {
        QuicTunnelError error = QuicTunnelError.Unknown;
        TunnelPath? path = null;
        if (_concentrator.TryTakeJoin())
        {
            bool mustBeIdentity = _concentrator.Options.Authentication.Mode == TunnelAuthenticationMode.ClientCertificate;
            switch (_concentrator.Registry.Join(sessionId, _identity, mustBeIdentity, _connection, out path))
            {
                case JoinResult.UnknownSession:
                    error = QuicTunnelError.UnknownSessionId;
                    break;
                case JoinResult.Conflict:
                    error = QuicTunnelError.ConflictingState;
                    break;
            }
        }

        long stream = _connection.OpenUnidirectionalStream();
        if (path is null)
        {
            // The client closes the connection, or the negotiation's time-out does.
            _concentrator.Log.JoinRefused(_connection.RemoteEndPoint, error);
            _connection.ResetStream(stream, (ulong)error);
            return;
        }

        Attach(path);
        _concentrator.Log.SessionJoined(Session.Id.Name, _connection.RemoteEndPoint);
        _connection.SendStream(stream, default, fin: true);
    }

    void IConcentratorControlHandler.OnAccessReport(AccessReport report)
    {
        if (_path is not null)
        {
            Session.Report(_path, report);
        }
    }

    private void Attach(TunnelPath? path)
    {
        _path = path;
        _negotiationTimer?.Dispose();
    }

    private void OnNegotiationTimeout()
    {
        if (_path is null)
        {
            Close(QuicTunnelError.NegotiationTimeout, "No session was negotiated in time.");
        }
    }

    private void RefuseSession(QuicTunnelError error, string reason)
    {
        _concentrator.Log.SessionRefused(_connection.RemoteEndPoint, reason);
        Close(error, reason);
    }

    private void Refuse(ControlViolationException violation)
    {
        _concentrator.Log.ControlViolation(_connection.RemoteEndPoint, violation.Message);
        Close(violation.Error, violation.Message);
    }

    private void Close(QuicTunnelError error, string reason)
    {
        _closing = true;
        _connection.Close((ulong)error, reason);
    }
}
