using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Cluster;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>All sessions of a concentrator. It creates them within the limits, finds them for a join, and removes them when they have ended.</summary>
internal sealed class SessionRegistry : IDisposable
{
    private readonly ConcurrentDictionary<UInt128, ConcentratorSession> _sessions = new();
    private readonly Dictionary<string, int> _perIdentity = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private readonly TunnelSessionOptions _options;
    private int _count;

    public SessionRegistry(TunnelSessionOptions options, AddressTable addresses, DataPlaneOptions dataPlane, ISessionRouter router, ILogger logger)
    {
        _options = options;
        Addresses = addresses;
        DataPlane = dataPlane;
        Router = router;
        Log = logger;
        Supervisor = new PathSupervisor(dataPlane.TimeProvider);
    }

    public AddressTable Addresses { get; }

    public DataPlaneOptions DataPlane { get; }

    public ISessionRouter Router { get; }

    public ILogger Log { get; }

    public PathSupervisor Supervisor { get; }

    public TimeSpan GracePeriod => _options.GracePeriod;

    public int MaxConnectionsPerSession => _options.MaxConnectionsPerSession;

    /// <summary>Tells other concentrators of the sessions; null where there are none.</summary>
    public SessionLocator? Locator { get; init; }

    public int Count => Volatile.Read(ref _count);

    public IEnumerable<ConcentratorSession> Sessions => _sessions.Values;

    /// <summary>Creates a session with its first connection. Null if a limit of sessions is reached.</summary>
    public ConcentratorSession? Create(string? identity, byte[] qosIndication, IQuicConnection connection, out TunnelPath? path)
    {
        path = null;
        if (!TryReserve(identity))
        {
            return null;
        }

        var session = new ConcentratorSession(this, SessionId.Create(), identity, qosIndication);
        _sessions[session.Id.Key] = session;
        Locator?.Add(session.Id, identity);
        session.Join(connection, out path);
        Addresses.AssignListed(session);
        return session;
    }

    /// <summary>
    /// Joins a connection to the session with the id. With <paramref name="mustBeIdentity"/>, a session of another identity is treated like an unknown one.
    /// </summary>
    public JoinResult Join(ReadOnlySpan<byte> sessionId, string? identity, bool mustBeIdentity, IQuicConnection connection, out TunnelPath? path)
    {
        path = null;
        return Find(sessionId) is { } session && (!mustBeIdentity || session.Identity == identity)
            ? session.Join(connection, out path)
            : JoinResult.UnknownSession;
    }

    /// <summary>Finds a session by its id.</summary>
    public ConcentratorSession? Find(ReadOnlySpan<byte> sessionId) =>
        _sessions.TryGetValue(SessionId.KeyOf(sessionId), out ConcentratorSession? session) && session.Id.Matches(sessionId) ? session : null;

    public ConcentratorSession? FindByName(string name)
    {
        foreach ((UInt128 _, ConcentratorSession session) in _sessions)
        {
            if (session.Id.Name == name)
            {
                return session;
            }
        }

        return null;
    }

    /// <summary>Removes an ended session.</summary>
    public void Forget(ConcentratorSession session)
    {
        if (!_sessions.TryRemove(session.Id.Key, out _))
        {
            return;
        }

        Addresses.Release(session);
        Locator?.Remove(session.Id);
        lock (_lock)
        {
            Release(session.Identity);
        }
    }

    public void Dispose() => Supervisor.Dispose();

    private bool TryReserve(string? identity)
    {
        for (int attempt = 0; ; attempt++)
        {
            lock (_lock)
            {
                if (_count >= _options.MaxSessions)
                {
                    return false;
                }

                int ofIdentity = identity is null ? 0 : _perIdentity.GetValueOrDefault(identity);
                if (ofIdentity < _options.MaxSessionsPerIdentity)
                {
                    _count++;
                    if (identity is not null)
                    {
                        _perIdentity[identity] = ofIdentity + 1;
                    }

                    return true;
                }
            }

            // A client that restarts leaves sessions without a connection behind: end the oldest of them.
            if (attempt > 0 || FindOldestIdle(identity!) is not { } idle || !idle.End(QuicTunnelError.SessionEnded, "A newer session of the identity replaced this one."))
            {
                return false;
            }
        }
    }

    private ConcentratorSession? FindOldestIdle(string identity)
    {
        ConcentratorSession? oldest = null;
        foreach ((UInt128 _, ConcentratorSession session) in _sessions)
        {
            if (session.Identity == identity && session.Paths.IsEmpty && (oldest is null || session.CreatedAt < oldest.CreatedAt))
            {
                oldest = session;
            }
        }

        return oldest;
    }

    private void Release(string? identity)
    {
        _count--;
        if (identity is null)
        {
            return;
        }

        int left = _perIdentity.GetValueOrDefault(identity) - 1;
        if (left <= 0)
        {
            _perIdentity.Remove(identity);
        }
        else
        {
            _perIdentity[identity] = left;
        }
    }
}
