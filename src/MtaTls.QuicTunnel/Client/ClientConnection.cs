using System.Net.Sockets;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Client;

/// <summary>One QUIC connection of the client: negotiates, then is a path. Its link awaits what becomes of it.</summary>
internal sealed class ClientConnection(QuicTunnelClient client) : IQuicConnectionHandler, IClientControlHandler
{
    /// <summary>The concentrator's first unidirectional stream.</summary>
    public const long ConcentratorControlStreamId = 3;

    private readonly TaskCompletionSource<bool> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<NegotiationOutcome> _negotiated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<QuicCloseReason> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile ClientControl? _control;
    private IQuicConnection? _connection;
    private ClientSession? _joining;
    private volatile TunnelPath? _path;

    /// <summary>True when the handshake is done, false when the connection ended before.</summary>
    public Task<bool> Connected => _connected.Task;

    public Task<QuicCloseReason> Closed => _closed.Task;

    public TunnelPath? Path => _path;

    /// <summary>Asks for a new session, or to join one.</summary>
    public Task<NegotiationOutcome> NegotiateAsync(IQuicConnection connection, ClientSession? session, ReadOnlySpan<byte> newSessionValue)
    {
        _connection = connection;
        _joining = session;
        _control = new ClientControl(this, ConcentratorControlStreamId, joining: session is not null);
        byte[] message = session is null ? Tlv.Encode(TlvType.NewSession, newSessionValue) : Tlv.Encode(TlvType.JoinSession, session.Id);
        connection.SendStream(connection.OpenUnidirectionalStream(), message, fin: true);
        return _negotiated.Task;
    }

    public void OnConnected(IQuicConnection connection) => _connected.TrySetResult(true);

    public void OnStreamData(IQuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        try
        {
            if (_control is not { } control)
            {
                throw new ControlViolationException("The concentrator answered before it was asked.");
            }

            control.OnStreamData(streamId, data, fin);
        }
        catch (ControlViolationException violation)
        {
            client.Log.ConcentratorViolation(connection.RemoteEndPoint, violation.Message);
            connection.Close((ulong)violation.Error, violation.Message);
        }
    }

    public void OnStreamReset(IQuicConnection connection, long streamId, ulong errorCode) =>
        _control?.OnStreamReset(streamId, (long)errorCode);

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
            client.Counters.Dropped(DropReason.NotNegotiated);
        }
    }

    public void OnDatagramReady(IQuicConnection connection)
    {
    }

    public void OnPathChanged(IQuicConnection connection)
    {
        client.Log.PathMoved(connection.LocalEndPoint, connection.RemoteEndPoint, connection.MaxDatagramSize);
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
        if (_path is { } path)
        {
            ((ClientSession)path.Session).Leave(path);
        }

        _connected.TrySetResult(false);
        _negotiated.TrySetResult(NegotiationOutcome.Failed);
        _closed.TrySetResult(reason);
    }

    // On the loop thread: packets that follow the answer find their session.
    void IClientControlHandler.OnSessionCreated(ReadOnlySpan<byte> sessionId)
    {
        ClientSession session = client.CreateSession(sessionId.ToArray());
        _path = session.Join(_connection!);
        client.OnSessionReady(session);
        _negotiated.TrySetResult(NegotiationOutcome.Attached);
    }

    void IClientControlHandler.OnSessionJoined()
    {
        _path = _joining!.Join(_connection!);
        _negotiated.TrySetResult(_path is null ? NegotiationOutcome.Failed : NegotiationOutcome.Attached);
    }

    void IClientControlHandler.OnNegotiationRefused(QuicTunnelError error)
    {
        client.Log.JoinRefused(_connection!.LocalEndPoint, error);
        _negotiated.TrySetResult(error == QuicTunnelError.UnknownSessionId ? NegotiationOutcome.SessionUnknown : NegotiationOutcome.Failed);
    }
}
