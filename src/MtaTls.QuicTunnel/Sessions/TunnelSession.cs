using MtaTls.Quic;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Scheduling;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>
/// A tunnelling session's data plane, the same at both ends: spreads packets over its paths, counts their tags, and puts what comes back into order.
/// </summary>
internal abstract class TunnelSession
{
    /// <summary>A path that carries less takes no IPv6: 1,280 octets and the tunnel's head.</summary>
    public const int LeastIPv6Datagram = 1280 + TunnelDatagram.HeaderLength;

    public const int MaxPaths = 32;

    private static readonly QuicDatagramVisitor s_reroute = static (datagram, state) =>
    {
        var path = (TunnelPath)state!;
        path.Session.Reroute(path, datagram);
    };

    private readonly Lock _pathsLock = new();
    private readonly ReceiveSide _receiveSide;
    private readonly IPathScheduler _scheduler;
    private readonly PathSupervisor _supervisor;
    private readonly DataPlaneOptions _options;
    private TunnelPath[] _paths = [];
    private int _lastTag;
    private int _supervised;

    protected TunnelSession(DataPlaneOptions options, PathSupervisor supervisor)
    {
        _options = options;
        _supervisor = supervisor;
        _scheduler = PathSchedulers.Create(options.Scheduler);
        _receiveSide = new ReceiveSide(this, options);
    }

    public TunnelCounters Counters => _options.Counters;

    public TimeProvider TimeProvider => _options.TimeProvider;

    public ReadOnlySpan<TunnelPath> Paths => Volatile.Read(ref _paths);

    public int ReorderDepth => _receiveSide.ReorderDepth;

    /// <summary>Adds a path; null when the session has all it may have.</summary>
    protected TunnelPath? AddPath(IQuicConnection connection, int maxPaths)
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

            var added = new TunnelPath(this, connection, number, TimeProvider.GetTimestamp());
            Volatile.Write(ref _paths, [.. _paths, added]);
            _receiveSide.Attach(number);
            return added;
        }
    }

    /// <summary>Removes a path, and sends over another what it had not sent. Returns the number of those left.</summary>
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

    /// <summary>Sends one IP packet over the path that the scheduler chooses.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="protocolType">Its EtherType.</param>
    /// <param name="maxPacket">With <see cref="SendResult.TooBig"/>, the largest packet that a path takes.</param>
    public SendResult Send(ReadOnlySpan<byte> packet, ushort protocolType, out int maxPacket)
    {
        Supervise();
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

        Span<byte> header = stackalloc byte[TunnelDatagram.HeaderLength];
        TunnelDatagram.WriteHeader(header, protocolType, (ushort)Interlocked.Increment(ref _lastTag));
        if (!TrySend(paths, candidates, header, packet))
        {
            return SendResult.Congested;
        }

        Counters.Sent(packet.Length);
        return SendResult.Sent;
    }

    /// <summary>Takes one datagram from a path.</summary>
    public void Receive(TunnelPath path, ReadOnlySpan<byte> datagram) => _receiveSide.Receive(path, datagram);

    /// <summary>Hands on a packet that is due. One thread at a time; no lock is held.</summary>
    public abstract void Deliver(ushort protocolType, ReadOnlySpan<byte> packet);

    /// <summary>What a path has queued and not sent goes over the others, if there are any.</summary>
    public void Drain(TunnelPath path)
    {
        if (path.Connection.QueuedDatagrams > 0 && FindUsable(Volatile.Read(ref _paths), except: path) != 0)
        {
            path.Connection.DrainUnsent(s_reroute, path);
        }
    }

    /// <summary>The supervisor's turn: leaves paths that do not answer. False when nothing is under way any more.</summary>
    public bool CheckPaths()
    {
        EvaluatePaths();
        if (IsUnderWay())
        {
            return true;
        }

        Volatile.Write(ref _supervised, 0);
        // A packet may have gone out since, whose sender saw the old value.
        return IsUnderWay() && Interlocked.Exchange(ref _supervised, 1) == 0;
    }

    /// <summary>Finds the paths that do not answer, or answer again.</summary>
    protected void EvaluatePaths()
    {
        long now = TimeProvider.GetTimestamp();
        TunnelPath[] paths = Volatile.Read(ref _paths);
        foreach (TunnelPath path in paths)
        {
            bool overdue = path.IsOverdue(now, TimeProvider);
            if (overdue != path.IsStalled)
            {
                path.IsStalled = overdue;
                // Where no other works it is used all the same.
                if (!overdue || FindUsable(paths, path) != 0)
                {
                    OnPathStateChanged(path, overdue);
                }
            }
        }

        foreach (TunnelPath path in paths)
        {
            if (path.IsLeft)
            {
                Drain(path);
            }
        }
    }

    private bool IsUnderWay()
    {
        foreach (TunnelPath path in Volatile.Read(ref _paths))
        {
            if (path.Connection.UnansweredSinceTimestamp != 0 || path.Connection.QueuedDatagrams > 0)
            {
                return true;
            }
        }

        return false;
    }

    protected virtual void OnPathStateChanged(TunnelPath path, bool left)
    {
    }

    /// <summary>Ends the data plane: what waits for its turn is given up.</summary>
    protected void EndDataPlane() => _receiveSide.End();

    private bool TrySend(TunnelPath[] paths, uint candidates, ReadOnlySpan<byte> header, ReadOnlySpan<byte> packet)
    {
        bool sent = false;
        while (candidates != 0)
        {
            int index = _scheduler.Select(paths, candidates);
            sent |= paths[index].Connection.TrySendDatagram(header, packet);
            if (sent && !_scheduler.IsRedundant)
            {
                return true;
            }

            candidates &= ~(1u << index);
        }

        return sent;
    }

    private void Reroute(TunnelPath from, ReadOnlySpan<byte> datagram)
    {
        TunnelPath[] paths = Volatile.Read(ref _paths);
        uint candidates = FindUsable(paths, from);
        for (int i = 0; i < paths.Length; i++)
        {
            if (datagram.Length > paths[i].Connection.MaxDatagramSize)
            {
                candidates &= ~(1u << i);
            }
        }

        // With the redundant scheduler the other paths have had their own copy.
        if (_scheduler.IsRedundant)
        {
            return;
        }

        if (!TrySend(paths, candidates, datagram[..TunnelDatagram.HeaderLength], datagram[TunnelDatagram.HeaderLength..]))
        {
            Counters.Dropped(candidates == 0 ? DropReason.NoPath : DropReason.Congested);
        }
    }

    private static uint FindCandidates(TunnelPath[] paths, int size, ushort protocolType, out int maxPacket)
    {
        maxPacket = 0;
        uint active = 0, left = 0;
        for (int i = 0; i < paths.Length; i++)
        {
            TunnelPath path = paths[i];
            int most = path.Connection.MaxDatagramSize;
            if (!path.Connection.IsConnected || path.IsReportedUnavailable)
            {
                continue;
            }

            bool narrow = protocolType == ProtocolType.IPv6 && most < LeastIPv6Datagram;
            if (narrow || size > most)
            {
                // Until the size of a path is known, a packet that does not fit is no reason to tell its sender anything.
                if (path.Connection.IsPathMtuSettled)
                {
                    maxPacket = narrow && maxPacket <= 0 ? -1 : Math.Max(maxPacket, narrow ? 0 : most - TunnelDatagram.HeaderLength);
                }

                continue;
            }

            if (path.IsLeft)
            {
                left |= 1u << i;
            }
            else
            {
                active |= 1u << i;
            }
        }

        return active != 0 ? active : left;
    }

    private static uint FindUsable(TunnelPath[] paths, TunnelPath except)
    {
        uint usable = 0;
        for (int i = 0; i < paths.Length; i++)
        {
            if (paths[i] != except && paths[i].Connection.IsConnected && !paths[i].IsLeft)
            {
                usable |= 1u << i;
            }
        }

        return usable;
    }

    private void Supervise()
    {
        if (Volatile.Read(ref _supervised) != 0 || Interlocked.Exchange(ref _supervised, 1) != 0)
        {
            return;
        }
        // The first packet after a silence: a path may have died meanwhile.
        EvaluatePaths();
        _supervisor.Watch(this);
    }
}
