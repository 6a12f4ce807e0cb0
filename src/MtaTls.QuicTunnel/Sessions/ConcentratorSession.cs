using MtaTls.Quic;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Diagnostics;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>A client's session at the concentrator: who it is, which addresses it owns, and how long it lives without a connection.</summary>
internal sealed class ConcentratorSession : TunnelSession
{
    /// <summary>Each path carries a client's question.</summary>
    private const int MaxQuestionsPerSecond = 40;

    private static long s_lastSequence;
    private readonly SessionRegistry _registry;
    private readonly Lock _lock = new();
    private readonly ITimer _graceTimer;
    private readonly EventRate _questions; // under a lock on itself
    private UInt128[] _ownedAddresses = [];
    private volatile bool _ended;

    public ConcentratorSession(SessionRegistry registry, SessionId id, string? identity, byte[] qosIndication)
        : base(registry.DataPlane, registry.Supervisor)
    {
        _registry = registry;
        _questions = new EventRate(MaxQuestionsPerSecond, TimeProvider);
        Id = id;
        Identity = identity;
        QosIndication = qosIndication;
        CreatedAt = TimeProvider.GetUtcNow();
        LearnsPreference = registry.DataPlane.Scheduler == TunnelScheduler.ActiveBackup;
        _graceTimer = TimeProvider.CreateTimer(
            static state => ((ConcentratorSession)state!).OnGraceOver(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public SessionId Id { get; }

    /// <summary>Null where clients are anonymous.</summary>
    public string? Identity { get; }

    public byte[] QosIndication { get; }

    public DateTimeOffset CreatedAt { get; }

    public bool HasEnded => _ended;

    /// <summary>Newer sessions have higher numbers.</summary>
    public long Sequence { get; } = Interlocked.Increment(ref s_lastSequence);

    public bool HasPath => !Paths.IsEmpty;

    /// <summary>The addresses that it claims, those that a newer session has included. Guarded by the address table's lock.</summary>
    public HashSet<UInt128> Claims { get; } = [];

    /// <summary>Replaced as a whole, by the address table.</summary>
    public UInt128[] OwnedAddresses { get => Volatile.Read(ref _ownedAddresses); set => Volatile.Write(ref _ownedAddresses, value); }

    public bool Owns(UInt128 address)
    {
        foreach (UInt128 owned in OwnedAddresses)
        {
            if (owned == address)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A connection becomes a path. When there are as many as may be, one that does not answer makes way.</summary>
    public JoinResult Join(IQuicConnection connection, int maxPaths, out TunnelPath? path)
    {
        TunnelPath? replaced = null;
        lock (_lock)
        {
            path = null;
            if (_ended)
            {
                return JoinResult.UnknownSession;
            }

            path = AddPath(connection, maxPaths);
            if (path is null)
            {
                replaced = FindDead();
                if (replaced is null)
                {
                    return JoinResult.Conflict;
                }

                RemovePath(replaced);
                path = AddPath(connection, maxPaths);
            }

            _graceTimer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        replaced?.Connection.Close((ulong)QuicTunnelError.LimitExceeded, "Another connection took this one's place.");
        if (path is not null)
        {
            _registry.Addresses.OnPathsChanged(this);
        }

        return path is null ? JoinResult.Conflict : JoinResult.Joined;
    }

    public void Leave(TunnelPath path)
    {
        lock (_lock)
        {
            if (RemovePath(path) > 0 || _ended)
            {
                return;
            }

            _graceTimer.Change(_registry.GracePeriod, Timeout.InfiniteTimeSpan);
        }

        _registry.Addresses.OnPathsChanged(this);
        _registry.Log.SessionWithoutPath(Id.Name, _registry.GracePeriod);
    }

    /// <summary>
    /// A report is about an access network, wherever it came from: it counts for every path of that network. The first report on a connection says which network it is on, unless it
    /// reports the loss of another path's.
    /// </summary>
    public void Report(TunnelPath from, AccessReport report)
    {
        bool unavailable = report.Signal == AccessSignal.Unavailable;
        lock (_lock)
        {
            if (from.Access == AccessNetwork.Unknown && (!unavailable || !HasPathOn(report.Access)))
            {
                from.Access = report.Access;
            }

            foreach (TunnelPath path in Paths)
            {
                if (path.Access == report.Access)
                {
                    path.IsReportedUnavailable = unavailable;
                }
            }
        }

        _registry.Log.AccessReported(Id.Name, report.Access, unavailable ? "unavailable" : "available");
        if (!unavailable)
        {
            return;
        }

        foreach (TunnelPath path in Paths)
        {
            if (path.IsReportedUnavailable)
            {
                Drain(path);
            }
        }
    }

    /// <summary>Ends the session and closes its connections. False when it had ended already.</summary>
    public bool End(QuicTunnelError error, string reason)
    {
        lock (_lock)
        {
            if (_ended)
            {
                return false;
            }

            _ended = true;
        }

        _graceTimer.Dispose();
        _registry.Forget(this);
        EndDataPlane();
        foreach (TunnelPath path in Paths)
        {
            path.Connection.Close((ulong)error, reason);
        }

        return true;
    }

    public override void Deliver(ushort protocolType, ReadOnlySpan<byte> packet) => _registry.Router.OnPacketFrom(this, protocolType, packet);

    public override void OnMessage(TunnelPath path, ReadOnlySpan<byte> message)
    {
        if (!AddressMessage.TryRead(message, out byte kind, out byte flags, out AddressEntry[] entries) || kind != AddressMessage.Request)
        {
            Counters.Dropped(DropReason.Malformed);
            return;
        }

        lock (_questions)
        {
            if (!_questions.TryTake())
            {
                return; // A client asks four times a second at most.
            }
        }

        AddressEntry[] answer = _registry.Addresses.Agree(this, entries, (flags & AddressMessage.Wants) != 0);
        Span<byte> buffer = stackalloc byte[AddressMessage.MaxLength];
        SendMessage(path, buffer[..AddressMessage.Write(buffer, AddressMessage.Answer, 0, answer)]);
    }

    public override void Flush() => _registry.Router.Flush();

    protected override void OnPathStateChanged(TunnelPath path, bool left)
    {
        if (left)
        {
            _registry.Log.PathLeft(Id.Name, path.Connection.RemoteEndPoint);
        }
        else
        {
            _registry.Log.PathBack(Id.Name, path.Connection.RemoteEndPoint);
        }
    }

    protected override void OnPathHarmful(TunnelPath path, string why) => _registry.Log.PathHarmful(Id.Name, path.Connection.RemoteEndPoint, why);

    protected override bool LearnsPreference { get; }

    private bool HasPathOn(AccessNetwork access)
    {
        foreach (TunnelPath path in Paths)
        {
            if (path.Access == access)
            {
                return true;
            }
        }

        return false;
    }

    private TunnelPath? FindDead()
    {
        EvaluatePaths();
        foreach (TunnelPath path in Paths)
        {
            if (path.IsLeft || !path.Connection.IsConnected)
            {
                return path;
            }
        }

        return null;
    }

    private void OnGraceOver()
    {
        lock (_lock)
        {
            if (_ended || Paths.Length > 0)
            {
                return;
            }
        }

        if (End(QuicTunnelError.Unknown, "expired"))
        {
            _registry.Log.SessionExpired(Id.Name);
        }
    }
}
