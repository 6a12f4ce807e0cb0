using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using MtaTls.Quic;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>All sessions of a concentrator: creates them within the limits, finds them for a join, and forgets them when they have ended.</summary>
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

    public int Count => Volatile.Read(ref _count);

    public IEnumerable<ConcentratorSession> Sessions => _sessions.Values;

    /// <summary>A new session with its first connection; null when there are too many.</summary>
    public ConcentratorSession? Create(string? identity, byte[] qosIndication, IQuicConnection connection, out TunnelPath? path)
    {
        path = null;
        if (!TryReserve(identity))
        {
            return null;
        }

        var session = new ConcentratorSession(this, SessionId.Create(), identity, qosIndication);
        _sessions[session.Id.Key] = session;
        session.Join(connection, _options.MaxConnectionsPerSession, out path);
        Addresses.AssignListed(session);
        return session;
    }

    /// <summary>
    /// Joins a connection to the session of that id. With <paramref name="mustBeIdentity"/> another identity's session is as unknown as one that never was.
    /// </summary>
    public JoinResult Join(ReadOnlySpan<byte> sessionId, string? identity, bool mustBeIdentity, IQuicConnection connection, out TunnelPath? path)
    {
        path = null;
        if (!_sessions.TryGetValue(SessionId.KeyOf(sessionId), out ConcentratorSession? session) || !session.Id.Matches(sessionId))
        {
            return JoinResult.UnknownSession;
        }

        if (mustBeIdentity && session.Identity != identity)
        {
            return JoinResult.UnknownSession;
        }

        return session.Join(connection, _options.MaxConnectionsPerSession, out path);
    }

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

    /// <summary>The session has ended.</summary>
    public void Forget(ConcentratorSession session)
    {
        if (!_sessions.TryRemove(session.Id.Key, out _))
        {
            return;
        }

        Addresses.Release(session);
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

            // A client that starts again and again leaves sessions behind: the oldest of them makes way.
            if (attempt > 0 || FindOldestIdle(identity!) is not { } idle || !idle.End(QuicTunnelError.SessionEnded, "A newer session took its place."))
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
