using MtaTls.Quic;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Diagnostics;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>A client's session at the concentrator: its identity, its addresses, and its grace period without a connection.</summary>
internal sealed class ConcentratorSession : TunnelSession
{
    /// <summary>The most answered address requests per second. A client sends each request over every path.</summary>
    private const int MaxQuestionsPerSecond = 40;

    // Longer than it takes until a path counts as dead.
    private static readonly TimeSpan s_mostAnswer = TimeSpan.FromSeconds(1.2);

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

    /// <summary>The identity of the client; null if it is anonymous.</summary>
    public string? Identity { get; }

    public byte[] QosIndication { get; }

    public DateTimeOffset CreatedAt { get; }

    public bool HasEnded => _ended;

    /// <summary>The order of creation: newer sessions have higher numbers.</summary>
    public long Sequence { get; } = Interlocked.Increment(ref s_lastSequence);

    public bool HasPath => !Paths.IsEmpty;

    /// <summary>The claimed addresses, including those that a newer session owns. Guarded by the address table's lock.</summary>
    public HashSet<UInt128> Claims { get; } = [];

    /// <summary>The owned addresses. The address table replaces the whole array.</summary>
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

    /// <summary>
    /// Adds a connection as a path. If the session has its maximum number of paths, one that does not answer is replaced. A relayed connection replaces the former relayed one.
    /// </summary>
    public JoinResult Join(IQuicConnection connection, out TunnelPath? path, bool isRelayed = false)
    {
        TunnelPath? replaced = null;
        lock (_lock)
        {
            path = null;
            if (_ended)
            {
                return JoinResult.UnknownSession;
            }

            if (isRelayed && FindPath(static path => path.IsRelayed) is { } former)
            {
                replaced = former;
                RemovePath(former);
            }

            path = AddPath(connection, _registry.MaxConnectionsPerSession, isRelayed: isRelayed);
            if (path is null)
            {
                replaced = FindDead();
                if (replaced is null)
                {
                    return JoinResult.Conflict;
                }

                RemovePath(replaced);
                path = AddPath(connection, _registry.MaxConnectionsPerSession, isRelayed: isRelayed);
            }

            _graceTimer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        replaced?.Connection.Close((ulong)QuicTunnelError.LimitExceeded, "Another connection of the session replaced this one.");
        if (path is not null)
        {
            _registry.Addresses.OnPathsChanged(this);
        }

        return path is null ? JoinResult.Conflict : JoinResult.Joined;
    }

    /// <summary>
    /// Whether the client answers on a direct path. The paths that seem to work are asked, because a session without traffic does not notice that a path has failed.
    /// </summary>
    public async Task<bool> AnswersDirectlyAsync()
    {
        Dictionary<TunnelPath, long> asked = [];
        EvaluatePaths();
        foreach (TunnelPath path in Paths)
        {
            if (path is { IsRelayed: false, IsLeft: false } && path.Connection.IsConnected)
            {
                asked[path] = path.Connection.LastReceivedTimestamp;
                path.Connection.Ping();
            }
        }

        for (long begin = TimeProvider.GetTimestamp(); asked.Count > 0 && TimeProvider.GetElapsedTime(begin) < s_mostAnswer;)
        {
            await Task.Delay(PathSupervisor.Interval, TimeProvider);
            EvaluatePaths();
            foreach ((TunnelPath path, long before) in asked)
            {
                if (path.Connection.IsConnected && path.Connection.LastReceivedTimestamp != before)
                {
                    return true;
                }
            }

            if (asked.Keys.All(static path => path.IsLeft || !path.Connection.IsConnected))
            {
                break;
            }
        }

        Supervise();
        return false;
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
    /// Applies a report to every path on its access network, whichever connection it arrived on. The first report on a connection also tells which network the connection is on, unless it
    /// reports the failure of another path's network.
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

    /// <summary>Ends the session and closes its connections. False if it had already ended.</summary>
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
                return; // A well-behaved client sends at most four requests per second and path.
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

    private bool HasPathOn(AccessNetwork access) => FindPath(path => path.Access == access) is not null;

    private TunnelPath? FindDead()
    {
        EvaluatePaths();
        return FindPath(static path => path.IsLeft || !path.Connection.IsConnected);
    }

    private TunnelPath? FindPath(Func<TunnelPath, bool> condition)
    {
        foreach (TunnelPath path in Paths)
        {
            if (condition(path))
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

        if (End(QuicTunnelError.Unknown, "The grace period of the session is over."))
        {
            _registry.Log.SessionExpired(Id.Name);
        }
    }
}
