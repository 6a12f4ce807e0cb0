using System.Numerics;
using MtaTls.Quic;
using MtaTls.Quic.Ngtcp2;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Queueing;
using MtaTls.QuicTunnel.Scheduling;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>
/// The data plane of a tunneling session, at either end. It distributes packets over the paths, assigns Packet Tags, and puts received packets back into order.
/// </summary>
internal abstract partial class TunnelSession
{
    /// <summary>The smallest datagram size of a path that carries IPv6, in bytes: 1,280 plus the header of the tunnel.</summary>
    public const int LeastIPv6Datagram = 1280 + TunnelDatagram.HeaderLength;

    public const int MaxPaths = 32;

    private const int PacketsOfPreference = 8;

    // Paths that join later than this must work for a while before they are preferred.
    private static readonly TimeSpan s_beginning = TimeSpan.FromSeconds(5);

    private readonly Lock _pathsLock = new();
    private readonly ReceiveSide _receiveSide;
    private readonly TagCounter _tags = new(); // guarded by the send side's lock, or _pathsLock with the redundant scheduler
    private readonly PathSupervisor _supervisor;
    private readonly DataPlaneOptions _options;
    private TunnelPath[] _paths = [];
    private TunnelPath? _preferred;
    private long _preference;
    private readonly long _startedAt;

    protected TunnelSession(DataPlaneOptions options, PathSupervisor supervisor)
    {
        _options = options;
        _supervisor = supervisor;
        _startedAt = options.TimeProvider.GetTimestamp();
        _urgentAt = _startedAt - (long)(s_betweenUrgent.TotalSeconds * options.TimeProvider.TimestampFrequency);
        Sending = PathSchedulers.Create(options.Scheduler) is { } scheduler ? new SendSide(this, options, scheduler, _tags) : null;
        _receiveSide = new ReceiveSide(this, options);
    }

    public TunnelCounters Counters => _options.Counters;

    public TimeProvider TimeProvider => _options.TimeProvider;

    /// <summary>The queue of waiting packets; null with the redundant scheduler, which sends each packet over every path at once.</summary>
    public SendSide? Sending { get; }

    public ReadOnlySpan<TunnelPath> Paths => Volatile.Read(ref _paths);

    public int ReorderDepth => _receiveSide.ReorderDepth;

    /// <summary>Adds a path. Null if the session already has <paramref name="maxPaths"/> paths.</summary>
    protected TunnelPath? AddPath(IQuicConnection connection, int maxPaths, int? preference = null, bool isRelayed = false)
    {
        lock (_pathsLock)
        {
            if (_paths.Length >= maxPaths)
            {
                return null;
            }

            int number = 0;
            while (Array.Exists(_paths, path => path.Number == number))
            {
                number++;
            }

            var added = new TunnelPath(this, connection, number) { Preference = preference ?? number, IsRelayed = isRelayed };
            if (TimeProvider.GetElapsedTime(_startedAt) > s_beginning && _paths.Length > 0)
            {
                added.Health.MustProve();
            }

            connection.DatagramSource = Sending is null ? null : added;
            Volatile.Write(ref _paths, [.. _paths, added]);
            _receiveSide.Attach(number);
            return added;
        }
    }

    /// <summary>Removes a path, and sends its undelivered packets over other paths. Returns the number of remaining paths.</summary>
    protected int RemovePath(TunnelPath path)
    {
        int left;
        lock (_pathsLock)
        {
            Volatile.Write(ref _paths, Array.FindAll(_paths, other => other != path));
            left = _paths.Length;
        }

        Drain(path);
        _receiveSide.Forget(path.Number);
        return left;
    }

    /// <summary>Queues one IP packet. The scheduler chooses the path that sends it.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="protocolType">Its EtherType.</param>
    /// <param name="maxPacket">With <see cref="SendResult.TooBig"/>, the largest packet that a path carries, in bytes.</param>
    /// <param name="batch">The batch of the packet; null if it is sent alone.</param>
    public SendResult Send(ReadOnlySpan<byte> packet, ushort protocolType, out int maxPacket, SendBatch? batch = null)
    {
        Supervise();
        batch?.Add(this);
        TunnelPath[] paths = Volatile.Read(ref _paths);
        uint candidates = FindCandidates(paths, packet.Length + TunnelDatagram.HeaderLength, protocolType, out maxPacket);
        if (candidates == 0)
        {
            return maxPacket switch
            {
                > 0 => SendResult.TooBig,
                < 0 => SendResult.NotCarried,
                _ => SendResult.NoPath,
            };
        }

        if (Sending is { } sending ? !sending.TryAdd(packet, protocolType, wakes: batch is null) : !TrySendEverywhere(paths, candidates, packet, protocolType))
        {
            return SendResult.Congested;
        }

        Counters.Sent(packet.Length);
        Supervise(); // The checks may have ended while the packet was not queued yet.
        return SendResult.Sent;
    }

    /// <summary>Returns the datagram that the path sends now; null if it must send none.</summary>
    public DatagramSlot? Take(TunnelPath path) => Sending?.Take(path);

    /// <summary>Receives one datagram from a path.</summary>
    public void Receive(TunnelPath path, ReadOnlySpan<byte> datagram)
    {
        if (LearnsPreference && path != _preferred)
        {
            LearnPreference(path);
        }

        if (AsksQuietPaths && Paths.Length > 1)
        {
            path.NoteCarried();
            Supervise();
        }

        _receiveSide.Receive(path, datagram);
    }

    /// <summary>
    /// Whether this end asks a path when no more packets arrive over it. The client does. A client that sends nothing would not notice that the path has failed. The concentrator notices it, but it may not
    /// reach the client over another path: an address translator may have forgotten the client's port there.
    /// </summary>
    protected virtual bool AsksQuietPaths => false;

    /// <summary>Whether this end prefers the path that the peer sends on. The concentrator has no other information about the client's preference.</summary>
    protected virtual bool LearnsPreference => false;

    // Several packets in a row over another path mean that the client now prefers that path.
    private void LearnPreference(TunnelPath path)
    {
        foreach (TunnelPath other in Paths)
        {
            other.PacketsInRow = other == path ? other.PacketsInRow + 1 : 0;
        }

        if (_preferred is null or { IsLeft: true } || !_preferred.Connection.IsConnected || path.PacketsInRow >= PacketsOfPreference)
        {
            path.Preference = --_preference;
            _preferred = path;
        }
    }

    /// <summary>Delivers a packet in order. Called by one thread at a time, without a lock.</summary>
    public abstract void Deliver(ushort protocolType, ReadOnlySpan<byte> packet);

    /// <summary>No more packets follow now, so delivered packets that were kept can be written.</summary>
    public abstract void Flush();

    /// <summary>Handles an address message of the peer.</summary>
    public virtual void OnMessage(TunnelPath path, ReadOnlySpan<byte> message) => Counters.Dropped(DropReason.UnsupportedProtocol);

    /// <summary>Sends an address message. Like any datagram, it may be lost.</summary>
    protected static void SendMessage(TunnelPath path, ReadOnlySpan<byte> message)
    {
        Span<byte> header = stackalloc byte[TunnelDatagram.HeaderLength];
        TunnelDatagram.WriteHeader(header, ProtocolType.AddressMessage, 0);
        path.Connection.TrySendDatagram(header, message);
    }

    /// <summary>Sends the undelivered packets of a path over other paths, if another one works.</summary>
    public void Drain(TunnelPath path)
    {
        if (Sending is { } sending && HasBetter(Volatile.Read(ref _paths), path))
        {
            path.Connection.ReturnDatagrams();
            sending.Wake();
        }
    }

    protected virtual void OnPathStateChanged(TunnelPath path, bool left)
    {
    }

    /// <summary>A path that answers is not used for a while, because it makes the tunnel worse.</summary>
    protected virtual void OnPathHarmful(TunnelPath path, string why)
    {
    }

    /// <summary>Ends the data plane. All waiting packets are dropped.</summary>
    protected void EndDataPlane()
    {
        _receiveSide.End();
        Sending?.End();
    }

    // For the redundant scheduler: every path sends its own copy, so lost copies are not repeated.
    private bool TrySendEverywhere(TunnelPath[] paths, uint candidates, ReadOnlySpan<byte> packet, ushort protocolType)
    {
        ushort tag;
        lock (_pathsLock)
        {
            tag = _tags.Next();
        }

        Span<byte> header = stackalloc byte[TunnelDatagram.HeaderLength];
        TunnelDatagram.WriteHeader(header, protocolType, tag);
        bool sent = false;
        for (; candidates != 0; candidates &= candidates - 1)
        {
            sent |= paths[BitOperations.TrailingZeroCount(candidates)].Connection.TrySendDatagram(header, packet);
        }

        return sent;
    }

    private static uint FindCandidates(TunnelPath[] paths, int size, ushort protocolType, out int maxPacket)
    {
        maxPacket = 0;
        uint active = 0, answering = 0, left = 0;
        bool withRelayed = !Array.Exists(paths, static path => IsInUse(path) && !path.IsRelayed);
        for (int i = 0; i < paths.Length; i++)
        {
            TunnelPath path = paths[i];
            int most = path.MaxDatagramSize;
            if (!path.Connection.IsConnected || path.IsReportedUnavailable || (path.IsRelayed && !withRelayed))
            {
                continue;
            }

            bool narrow = protocolType == ProtocolType.IPv6 && most < LeastIPv6Datagram;
            if (narrow || size > most)
            {
                // Send no ICMP error while path MTU discovery still runs.
                if (path.IsPathMtuSettled)
                {
                    maxPacket = narrow && maxPacket <= 0 ? -1 : Math.Max(maxPacket, narrow ? 0 : most - TunnelDatagram.HeaderLength);
                }

                continue;
            }

            ref uint mask = ref IsInUse(path) ? ref active : ref path.IsAnswering ? ref answering : ref left;
            mask |= 1u << i;
        }

        return active != 0 ? active : answering != 0 ? answering : left;
    }

    /// <summary>
    /// Finds the direct paths that work; if none does, the relayed ones that work; if none does either, those that answer but make the tunnel worse; then all connected paths that are not reported
    /// unavailable. Returns their number.
    /// </summary>
    public int FindUsable(ref SendSide.PathSet set)
    {
        int count = 0;
        TunnelPath[] paths = Volatile.Read(ref _paths);
        for (int pass = 0; pass < 4 && count == 0; pass++)
        {
            foreach (TunnelPath path in paths)
            {
                bool fits = pass switch
                {
                    0 or 1 => IsInUse(path) && path.IsRelayed == (pass == 1),
                    2 => path.IsAnswering,
                    _ => path.Connection.IsConnected && !path.IsReportedUnavailable,
                };
                if (fits)
                {
                    set[count++] = path;
                }
            }
        }

        return count;
    }

    private static bool IsInUse(TunnelPath path) => path.Connection.IsConnected && !path.IsLeft;

    private static bool HasAnother(TunnelPath[] paths, TunnelPath except) => Array.Exists(paths, path => path != except && IsInUse(path));

    /// <summary>Whether another path works or, if this one does not even answer, another one answers.</summary>
    private static bool HasBetter(TunnelPath[] paths, TunnelPath than) =>
        HasAnother(paths, than) || (!than.IsAnswering && Array.Exists(paths, path => path != than && path.IsAnswering));
}
