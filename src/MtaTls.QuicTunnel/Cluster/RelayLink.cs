using System.Buffers.Binary;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Cluster;

/// <summary>
/// A client's connection that this concentrator relays: its datagrams and reports go to a second connection, to the concentrator that has the session, and back. The end of one connection ends the other with
/// the same error. Datagrams of one connection arrive on its loop's thread, those of the other on another thread.
/// </summary>
internal sealed class RelayLink : IQuicConnectionHandler
{
    private const int MostWaitingStreams = 8;

    private readonly RelayShared _shared;
    private readonly RelayJoin _join;
    private readonly IQuicConnection _client;
    private readonly Action<RelayLink, QuicCloseReason> _ended;
    private readonly TaskCompletionSource<QuicTunnelError?> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile IQuicConnection? _node;
    private volatile RelayQueue? _toNode, _toClient;
    private volatile bool _isAttached;

    // The last Packet Tag of each direction; -1 before the first packet. An ICMP error of this concentrator has the tag of a packet that has passed before, so it is delivered at once.
    private volatile int _tagToNode = -1, _tagToClient = -1;
    private readonly Lock _telling = new();
    private int _limitTold = int.MaxValue; // written under _telling
    private int _limitShown = -1; // used only by the thread of the client's connection, as is _shownAt
    private long _shownAt;
    private int _isClosed;

    /// <param name="shared">What all relayed connections share.</param>
    /// <param name="owner">The name of the other concentrator.</param>
    /// <param name="join">The message to it.</param>
    /// <param name="client">The client's connection.</param>
    /// <param name="ended">Called once, when the connection to the other concentrator has ended.</param>
    public RelayLink(RelayShared shared, string owner, RelayJoin join, IQuicConnection client, Action<RelayLink, QuicCloseReason> ended)
    {
        (_shared, _join, _client, _ended) = (shared, join, client, ended);
        (Owner, SessionName) = (owner, SessionId.NameOf(join.SessionId));
    }

    /// <summary>The concentrator that has the session.</summary>
    public string Owner { get; }

    public string SessionName { get; }

    /// <summary>Completes with null when the client's connection has joined the session, else with the error of the refusal. Faults if the other concentrator does not answer.</summary>
    public Task<QuicTunnelError?> Outcome => _outcome.Task;

    /// <summary>Whether the client's connection has joined the session.</summary>
    public bool IsAttached => _isAttached;

    /// <summary>The client's connection as the source of what is relayed. Called with it on its loop's thread.</summary>
    public void OnClientDatagram(ReadOnlySpan<byte> datagram)
    {
        if (_isAttached)
        {
            Forward(datagram, toNode: true);
        }
        else
        {
            _shared.Counters.Dropped(DropReason.NotNegotiated);
        }
    }

    public void OnClientDatagramsEnd()
    {
        _toNode?.Wake();
        _toClient?.Wake(); // ICMP errors.
        ShowPath();
    }

    /// <summary>The client's path, or its largest datagram, has changed.</summary>
    public void OnClientMoved()
    {
        if (_isAttached && (_client.MaxDatagramSize > Volatile.Read(ref _limitTold) || _client.IsPathMtuSettled))
        {
            TellLimit();
        }
    }

    /// <summary>Passes on an Access Report. If too many bytes wait, it is dropped, and the failure is noticed without it.</summary>
    public void OnClientReport(AccessReport report) => TrySend(report.Encode());

    public void OnClientEnded(QuicCloseReason reason) => Close(
        reason.Kind == QuicCloseKind.Application ? reason.ErrorCode : (ulong)QuicTunnelError.Unknown,
        reason.Kind == QuicCloseKind.Application ? reason.Text : $"The client's connection has ended ({reason}).");

    /// <summary>Ends the connection to the other concentrator, or the attempt. Any thread may call it.</summary>
    public void Close(ulong error, string reason)
    {
        Volatile.Write(ref _isClosed, 1);
        Interlocked.MemoryBarrier(); // Either this call sees the connection, or Begin sees this close.
        _outcome.TrySetException(new IOException(reason));
        _node?.Close(error, reason);
    }

    /// <summary>Sets the connection to the other concentrator, as soon as it has begun.</summary>
    public void Begin(IQuicConnection node)
    {
        _node = node;
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _isClosed) != 0)
        {
            node.Close((ulong)QuicTunnelError.Unknown, "The client's connection has ended.");
        }
    }

    void IQuicConnectionHandler.OnConnected(IQuicConnection connection)
    {
        _node = connection;
        connection.SendStream(connection.OpenUnidirectionalStream(), _join.Encode(), fin: true);
    }

    void IQuicConnectionHandler.OnStreamData(IQuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        if (streamId != TunnelProtocol.ConcentratorControlStreamId || !data.IsEmpty || _isAttached)
        {
            connection.Close((ulong)QuicTunnelError.ProtocolViolation, "An answer to a Relay Join message has no data.");
        }
        else if (fin)
        {
            Attach(connection);
        }
    }

    void IQuicConnectionHandler.OnStreamReset(IQuicConnection connection, long streamId, ulong errorCode)
    {
        if (!_isAttached)
        {
            _outcome.TrySetResult(errorCode is (ulong)QuicTunnelError.UnknownSessionId or (ulong)QuicTunnelError.ConflictingState ? (QuicTunnelError)errorCode : QuicTunnelError.Unknown);
            connection.Close((ulong)QuicTunnelError.Unknown, "The join was refused.");
        }
    }

    void IQuicConnectionHandler.OnDatagram(IQuicConnection connection, ReadOnlySpan<byte> data)
    {
        if (_isAttached)
        {
            Forward(data, toNode: false);
        }
        else
        {
            _shared.Counters.Dropped(DropReason.NotNegotiated);
        }
    }

    void IQuicConnectionHandler.OnDatagramsEnd(IQuicConnection connection)
    {
        _toClient?.Wake();
        _toNode?.Wake(); // ICMP errors.
    }

    void IQuicConnectionHandler.OnClosed(IQuicConnection connection, QuicCloseReason reason)
    {
        _outcome.TrySetException(new IOException(reason.ToString()));
        _toNode?.End();
        _toClient?.End();
        if (_isAttached)
        {
            bool isApplication = reason.Kind == QuicCloseKind.Application;
            _client.Close(isApplication ? reason.ErrorCode : (ulong)QuicTunnelError.Unknown, isApplication ? reason.Text : "The connection to the session's concentrator has ended.");
        }

        _ended(this, reason);
    }

    private void Attach(IQuicConnection node)
    {
        (_toNode, _toClient) = (new RelayQueue(node, _shared, toNode: true), new RelayQueue(_client, _shared, toNode: false));
        node.DatagramSource = _toNode;
        _client.DatagramSource = _toClient;
        _isAttached = _outcome.TrySetResult(null);
    }

    private void Forward(ReadOnlySpan<byte> datagram, bool toNode)
    {
        if (!TunnelDatagram.TryRead(datagram, out ushort protocolType, out ushort tag, out ReadOnlySpan<byte> packet))
        {
            _shared.Counters.Dropped(DropReason.Malformed);
            return;
        }

        if (protocolType == ProtocolType.None)
        {
            return; // A path MTU probe, for this hop alone.
        }

        IQuicConnection to = toNode ? _node! : _client;
        int most = to.MaxDatagramSize;
        if (most == 0)
        {
            // The connection has ended. That is no limit of its path.
            _shared.Counters.Dropped(DropReason.NoPath);
            return;
        }

        bool isPacket = protocolType is ProtocolType.IPv4 or ProtocolType.IPv6;
        bool isNarrow = protocolType == ProtocolType.IPv6 && most < TunnelSession.LeastIPv6Datagram;
        if (datagram.Length > most || isNarrow)
        {
            _shared.Counters.Dropped(DropReason.TooBig);
            if (isPacket && to.IsPathMtuSettled)
            {
                OnTooBig(protocolType, packet, toNode, isNarrow ? 0 : most - TunnelDatagram.HeaderLength);
            }

            return;
        }

        if (isPacket && toNode)
        {
            _tagToNode = tag;
        }
        else if (isPacket)
        {
            _tagToClient = tag;
        }

        (toNode ? _toNode! : _toClient!).Add(datagram);
    }

    /// <summary>Answers a packet that the second hop does not carry with ICMP, as the tunnel itself does, and tells the other end about the limit.</summary>
    /// <param name="protocolType">The packet's EtherType.</param>
    /// <param name="packet">The packet.</param>
    /// <param name="wasToNode">Its direction.</param>
    /// <param name="mtu">The largest packet; 0 if the hop does not carry the protocol.</param>
    private void OnTooBig(ushort protocolType, ReadOnlySpan<byte> packet, bool wasToNode, int mtu)
    {
        if (!wasToNode && _client.MaxDatagramSize < Volatile.Read(ref _limitTold))
        {
            TellLimit();
        }

        int tag = wasToNode ? _tagToClient : _tagToNode;
        if (tag < 0 || !IpHeader.TryRead(packet, out IpHeader header) || header.ProtocolType != protocolType || !_shared.IcmpErrors.TryTake())
        {
            return;
        }

        Span<byte> answer = stackalloc byte[TunnelDatagram.HeaderLength + IcmpError.MaxLength];
        TunnelDatagram.WriteHeader(answer, protocolType, (ushort)tag);
        Span<byte> error = answer[TunnelDatagram.HeaderLength..];
        int length = mtu > 0 ? IcmpError.WriteTooBig(packet, header, mtu, error) : IcmpError.WriteUnreachable(packet, header, error);
        if (length > 0)
        {
            (wasToNode ? _toClient! : _toNode!).Add(answer[..(TunnelDatagram.HeaderLength + length)]);
        }
    }

    /// <summary>Tells the session's concentrator the largest datagram of the client's path, so that it answers larger packets itself. Both threads call it, and the last message must have the last limit.</summary>
    private void TellLimit()
    {
        lock (_telling)
        {
            int limit = _client.MaxDatagramSize;
            Span<byte> value = stackalloc byte[2];
            BinaryPrimitives.WriteUInt16BigEndian(value, (ushort)Math.Min(limit, ushort.MaxValue));
            if (limit > 0 && TrySend(Tlv.Encode(TlvType.PathLimit, value)))
            {
                Volatile.Write(ref _limitTold, limit);
            }
        }
    }

    /// <summary>Tells the client that the path is relayed and what it carries: with its first packets, after a change, and each second while the client sends, because a datagram may be lost.</summary>
    private void ShowPath()
    {
        if (!_isAttached || _node is not { } node)
        {
            return;
        }

        long now = _shared.Time.GetTimestamp();
        int limit = node.IsPathMtuSettled ? node.MaxDatagramSize : 0;
        if (limit == _limitShown && _shared.Time.GetElapsedTime(_shownAt, now) < TimeSpan.FromSeconds(1))
        {
            return;
        }

        (_limitShown, _shownAt) = (limit, now);
        Span<byte> message = stackalloc byte[TunnelDatagram.HeaderLength + PathMessage.Length];
        TunnelDatagram.WriteHeader(message, ProtocolType.AddressMessage, 0);
        PathMessage.Write(message[TunnelDatagram.HeaderLength..], limit);
        _client.TrySendDatagram(message, default);
    }

    /// <summary>Sends a message on its own stream. False if too many streams or bytes wait for the other concentrator, which then learns later, or without the message.</summary>
    private bool TrySend(byte[] message)
    {
        if (_node is not { IsConnected: true } node || node.WaitingStreams >= MostWaitingStreams)
        {
            return false;
        }

        long stream = node.OpenUnidirectionalStream();
        try
        {
            node.SendStream(stream, message, fin: true);
            return true;
        }
        catch (InvalidOperationException)
        {
            // A stream that never ends would count against the limit of streams.
            node.ResetStream(stream, (ulong)QuicTunnelError.Unknown);
            return false;
        }
    }
}
