using System.Net.Sockets;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Diagnostics;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>
/// One QUIC connection of a session, the same at both ends: negotiates its session once, then is a path of it. What a peer does wrong costs it this connection and nothing else.
/// </summary>
/// <remarks>
/// <code>
/// phase        | connected   | joined a session | closed by this end | connection ended
/// Connecting   | Negotiating | -                | Closing            | Ended
/// Negotiating  | -           | Joined           | Closing            | Ended
/// Joined       | -           | -                | Closing            | Ended, the path leaves its session
/// Closing      | -           | -                | -                  | Ended, the path leaves its session
/// </code>
/// All of it happens on the connection's loop thread, but for <see cref="Close"/>.
/// </remarks>
internal abstract class TunnelConnection(TunnelCounters counters) : IQuicConnectionHandler
{
    private volatile TunnelConnectionPhase _phase;
    private volatile TunnelPath? _path;
    private volatile IQuicConnection? _connection;

    public TunnelConnectionPhase Phase => _phase;

    /// <summary>Null before the connection has joined a session. It stays after the end.</summary>
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
            counters.Dropped(DropReason.NotNegotiated);
        }
    }

    public void OnDatagramsEnd(IQuicConnection connection) => _path?.Session.Flush();

    public void OnPathChanged(IQuicConnection connection)
    {
        if (_path is { } path)
        {
            OnPathMoved(path);
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

    /// <summary>Closes the connection with one of the tunnel's errors. Any thread.</summary>
    protected void Close(QuicTunnelError error, string reason)
    {
        if (_phase < TunnelConnectionPhase.Closing)
        {
            _phase = TunnelConnectionPhase.Closing;
        }

        _connection?.Close((ulong)error, reason);
    }

    /// <summary>The connection is a path from now on.</summary>
    protected void Joined(TunnelPath path)
    {
        _path = path;
        if (_phase == TunnelConnectionPhase.Negotiating)
        {
            _phase = TunnelConnectionPhase.Joined;
        }
    }

    /// <summary>Both ends have validated each other's certificates.</summary>
    protected abstract void OnNegotiating();

    /// <exception cref="ControlViolationException">The peer broke the rules.</exception>
    protected abstract void OnControlData(long streamId, ReadOnlySpan<byte> data, bool fin);

    /// <exception cref="ControlViolationException">The peer broke the rules.</exception>
    protected abstract void OnControlReset(long streamId, ulong errorCode);

    protected abstract void OnViolation(ControlViolationException violation);

    protected abstract void OnPathMoved(TunnelPath path);

    protected abstract void OnEnded(TunnelPath? path, QuicCloseReason reason);
}
