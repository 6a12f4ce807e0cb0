using System.Numerics;
using MtaTls.Quic;
using MtaTls.Quic.Ngtcp2;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Queueing;
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

    private const int PacketsOfPreference = 8;

    // Paths that join later than that have to prove themselves before they are preferred.
    private static readonly TimeSpan s_beginning = TimeSpan.FromSeconds(5);

    private readonly Lock _pathsLock = new();
    private readonly ReceiveSide _receiveSide;
    private readonly TagCounter _tags = new(); // guarded by the send side's lock, or _pathsLock with the redundant scheduler
    private readonly PathSupervisor _supervisor;
    private readonly DataPlaneOptions _options;
    private TunnelPath[] _paths = [];
    private int _supervised;
    private TunnelPath? _preferred;
    private long _preference;
    private readonly long _startedAt;

    protected TunnelSession(DataPlaneOptions options, PathSupervisor supervisor)
    {
        _options = options;
        _supervisor = supervisor;
        _startedAt = options.TimeProvider.GetTimestamp();
        Sending = PathSchedulers.Create(options.Scheduler) is { } scheduler ? new SendSide(this, options, scheduler, _tags) : null;
        _receiveSide = new ReceiveSide(this, options);
    }

    public TunnelCounters Counters => _options.Counters;

    public TimeProvider TimeProvider => _options.TimeProvider;

    /// <summary>The packets that wait; null where each goes over every path at once.</summary>
    public SendSide? Sending { get; }

    public ReadOnlySpan<TunnelPath> Paths => Volatile.Read(ref _paths);

    public int ReorderDepth => _receiveSide.ReorderDepth;

    /// <summary>Adds a path; null when the session has all it may have.</summary>
    protected TunnelPath? AddPath(IQuicConnection connection, int maxPaths, int? preference = null)
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

            var added = new TunnelPath(this, connection, number) { Preference = preference ?? number };
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
    /// <param name="batch">The batch that the packet is of, if any.</param>
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
        return SendResult.Sent;
    }

    /// <summary>A path can send.</summary>
    public DatagramSlot? Take(TunnelPath path) => Sending?.Take(path);

    /// <summary>Takes one datagram from a path.</summary>
    public void Receive(TunnelPath path, ReadOnlySpan<byte> datagram)
    {
        if (LearnsPreference && path != _preferred)
        {
            LearnPreference(path);
        }

        _receiveSide.Receive(path, datagram);
    }

    /// <summary>Whether the peer's choice of paths is followed: the concentrator has no other word on what the client prefers.</summary>
    protected virtual bool LearnsPreference => false;

    // Several packets in a row over another path, and none over the one that was preferred: so the client sends there now.
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

    /// <summary>Hands on a packet that is due. One thread at a time; no lock is held.</summary>
    public abstract void Deliver(ushort protocolType, ReadOnlySpan<byte> packet);

    /// <summary>No more packets are at hand: those that were handed on can go.</summary>
    public abstract void Flush();

    /// <summary>The peer sent a message on addresses.</summary>
    public virtual void OnMessage(TunnelPath path, ReadOnlySpan<byte> message) => Counters.Dropped(DropReason.UnsupportedProtocol);

    /// <summary>Sends a message on addresses. It may be lost as any datagram.</summary>
    protected static void SendMessage(TunnelPath path, ReadOnlySpan<byte> message)
    {
        Span<byte> header = stackalloc byte[TunnelDatagram.HeaderLength];
        TunnelDatagram.WriteHeader(header, ProtocolType.AddressMessage, 0);
        path.Connection.TrySendDatagram(header, message);
    }

    /// <summary>What a path has not delivered goes over the others, if there are any.</summary>
    public void Drain(TunnelPath path)
    {
        if (Sending is { } sending && HasAnother(Volatile.Read(ref _paths), path))
        {
            path.Connection.ReturnDatagrams();
            sending.Wake();
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
            string? harm = null;
            if (overdue != path.IsStalled)
            {
                path.IsStalled = overdue;
                harm = NoteStall(path, overdue, now);
                // Where no other works it is used all the same.
                if (!overdue || HasAnother(paths, path))
                {
                    OnPathStateChanged(path, overdue);
                }
            }

            harm ??= path.Health.OnLoss(path.LossRate, now);
            if (harm is not null && HasAnother(paths, path))
            {
                OnPathHarmful(path, harm);
            }

            bool held = path.Health.IsHeld(now);
            if (held != path.IsHarmful)
            {
                path.ForgetLoss();
                path.IsHarmful = held;
            }
        }

        foreach (TunnelPath path in paths)
        {
            if (path.IsLeft && path.Connection.BytesInFlight > 0)
            {
                Drain(path);
            }
        }

        if (Sending is { Waiting: > 0 } sending)
        {
            sending.Wake();
        }
    }

    private static string? NoteStall(TunnelPath path, bool stalled, long now)
    {
        if (!stalled)
        {
            return path.Health.OnAnswering(now);
        }

        path.Health.OnStalled(now);
        return null;
    }

    private bool IsUnderWay()
    {
        if (Sending is { Waiting: > 0 } && !Paths.IsEmpty)
        {
            return true;
        }

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

    /// <summary>A path that answers is not used for a while.</summary>
    protected virtual void OnPathHarmful(TunnelPath path, string why)
    {
    }

    /// <summary>Ends the data plane: what waits for its turn is given up.</summary>
    protected void EndDataPlane()
    {
        _receiveSide.End();
        Sending?.End();
    }

    // With the redundant scheduler: every path has its own copy, and what a path loses the others have brought.
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

    /// <summary>The paths that work; where none does, those that are left.</summary>
    public int FindUsable(ref SendSide.PathSet set)
    {
        int count = 0;
        TunnelPath[] paths = Volatile.Read(ref _paths);
        for (int pass = 0; pass < 2 && count == 0; pass++)
        {
            foreach (TunnelPath path in paths)
            {
                if (path.Connection.IsConnected && !path.IsReportedUnavailable && (pass == 1 || !path.IsLeft))
                {
                    set[count++] = path;
                }
            }
        }

        return count;
    }

    private static bool HasAnother(TunnelPath[] paths, TunnelPath except) =>
        Array.Exists(paths, path => path != except && path.Connection.IsConnected && !path.IsLeft);

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
