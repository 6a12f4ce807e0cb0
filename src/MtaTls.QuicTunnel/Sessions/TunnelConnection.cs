using System.Net.Sockets;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Diagnostics;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>
/// One QUIC connection of a session, at either end. It negotiates a session once and is then a path of that session. A protocol violation of the peer closes only this connection.
/// </summary>
/// <remarks>
/// <code>
/// phase        | connected   | joined a session | closed by this end | connection ended
/// Connecting   | Negotiating | -                | Closing            | Ended
/// Negotiating  | -           | Joined           | Closing            | Ended
/// Joined       | -           | -                | Closing            | Ended, the path leaves its session
/// Closing      | -           | -                | -                  | Ended, the path leaves its session
/// </code>
/// A connection that a concentrator relays to another stays Negotiating there.
/// Everything except <see cref="Close"/> runs on the thread of the connection's loop.
/// </remarks>
internal abstract class TunnelConnection(TunnelCounters counters) : IQuicConnectionHandler
{
    private volatile TunnelConnectionPhase _phase;
    private volatile TunnelPath? _path;
    private volatile IQuicConnection? _connection;

    public TunnelConnectionPhase Phase => _phase;

    /// <summary>The path; null before the connection has joined a session. It remains after the connection has ended.</summary>
    public TunnelPath? Path => _path;

    protected IQuicConnection Connection => _connection!;

    public void OnConnected(IQuicConnection connection)
    {
        _connection = connection;
        if (_phase == TunnelConnectionPhase.Connecting)
        {
            _phase = TunnelConnectionPhase.Negotiating;
            OnNegotiating();
        }
    }

    public void OnStreamData(IQuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        if (_phase >= TunnelConnectionPhase.Closing)
        {
            return;
        }

        try
        {
            OnControlData(streamId, data, fin);
        }
        catch (ControlViolationException violation)
        {
            OnViolation(violation);
            Close(violation.Error, violation.Message);
        }
    }

    public void OnStreamReset(IQuicConnection connection, long streamId, ulong errorCode)
    {
        if (_phase >= TunnelConnectionPhase.Closing)
        {
            return;
        }

        try
        {
            OnControlReset(streamId, errorCode);
        }
        catch (ControlViolationException violation)
        {
            OnViolation(violation);
            Close(violation.Error, violation.Message);
        }
    }

    public void OnDatagram(IQuicConnection connection, ReadOnlySpan<byte> data)
    {
        if (_path is { } path)
        {
            path.Session.Receive(path, data);
        }
        else
        {
            OnDatagramWithoutPath(data);
        }
    }

    public void OnDatagramsEnd(IQuicConnection connection)
    {
        if (_path is { } path)
        {
            path.Session.Flush();
        }
        else
        {
            OnDatagramsWithoutPathEnd();
        }
    }

    public void OnPathChanged(IQuicConnection connection)
    {
        if (_path is { } path)
        {
            OnPathMoved(path);
        }
        else
        {
            OnMovedWithoutPath();
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
        _connection ??= connection;
        _phase = TunnelConnectionPhase.Ended;
        OnEnded(_path, reason);
    }

    /// <summary>Closes the connection with an error code of the tunnel. Any thread may call it.</summary>
    protected void Close(QuicTunnelError error, string reason)
    {
        if (_phase < TunnelConnectionPhase.Closing)
        {
            _phase = TunnelConnectionPhase.Closing;
        }

        _connection?.Close((ulong)error, reason);
    }

    /// <summary>Makes the connection a path of a session.</summary>
    protected void Joined(TunnelPath path)
    {
        _path = path;
        if (_phase == TunnelConnectionPhase.Negotiating)
        {
            _phase = TunnelConnectionPhase.Joined;
        }
    }

    /// <summary>A datagram arrived while the connection is no path of a session of this process.</summary>
    protected virtual void OnDatagramWithoutPath(ReadOnlySpan<byte> data) => counters.Dropped(DropReason.NotNegotiated);

    /// <summary>All datagrams received so far were given to <see cref="OnDatagramWithoutPath"/>.</summary>
    protected virtual void OnDatagramsWithoutPathEnd()
    {
    }

    /// <summary>An address or the largest datagram has changed while the connection is no path of a session of this process.</summary>
    protected virtual void OnMovedWithoutPath()
    {
    }

    /// <summary>The handshake is complete, and the negotiation of the session can start.</summary>
    protected abstract void OnNegotiating();

    /// <exception cref="ControlViolationException">The peer violated the protocol.</exception>
    protected abstract void OnControlData(long streamId, ReadOnlySpan<byte> data, bool fin);

    /// <exception cref="ControlViolationException">The peer violated the protocol.</exception>
    protected abstract void OnControlReset(long streamId, ulong errorCode);

    protected abstract void OnViolation(ControlViolationException violation);

    protected abstract void OnPathMoved(TunnelPath path);

    protected abstract void OnEnded(TunnelPath? path, QuicCloseReason reason);
}
