using System.Collections.Concurrent;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Connections;

/// <summary>The sessions that are open, by their ids.</summary>
internal sealed class ServerSessions : IMtaTlsSessions
{
    private readonly ConcurrentDictionary<string, MtaTlsServerSession> _sessions = new(StringComparer.Ordinal);
    private int _goAwaySent;
    private int _listed; // the length of the last list, from which the next list takes its capacity

    /// <summary>Whether any open session has sent a go-away.</summary>
    public bool AnyHasSentGoAway => Volatile.Read(ref _goAwaySent) > 0;

    /// <summary>Counts a session that has sent a go-away.</summary>
    public void GoAwaySent() => Interlocked.Increment(ref _goAwaySent);

    /// <summary>Stops counting such a session, because it has ended.</summary>
    public void GoAwaySessionEnded() => Interlocked.Decrement(ref _goAwaySent);

    public MtaTlsServerSession[] Snapshot() => [.. List<MtaTlsServerSession>()];

    public void Add(MtaTlsServerSession session) => _sessions[session.SessionId] = session;

    public void Remove(MtaTlsServerSession session) => _sessions.TryRemove(new KeyValuePair<string, MtaTlsServerSession>(session.SessionId, session));

    public IReadOnlyList<IMtaTlsSessionFeature> List() => List<IMtaTlsSessionFeature>();

    public IMtaTlsSessionFeature? Find(string sessionId)
    {
        ArgumentNullException.ThrowIfNull(sessionId);
        return _sessions.GetValueOrDefault(sessionId);
    }

    public bool End(string sessionId)
    {
        ArgumentNullException.ThrowIfNull(sessionId);
        if (!_sessions.TryGetValue(sessionId, out MtaTlsServerSession? session))
        {
            return false;
        }

        session.GoAway(TimeSpan.Zero);
        session.BeginShutdown();
        return true;
    }

    public bool Abort(string sessionId)
    {
        ArgumentNullException.ThrowIfNull(sessionId);
        if (!_sessions.TryGetValue(sessionId, out MtaTlsServerSession? session))
        {
            return false;
        }

        session.Abort();
        return true;
    }

    public IReadOnlyList<MtaTlsChannelInfo>? ListChannels(string sessionId)
    {
        ArgumentNullException.ThrowIfNull(sessionId);
        return _sessions.GetValueOrDefault(sessionId)?.ListChannels();
    }

    public bool AbortChannel(string sessionId, ChannelId channelId)
    {
        ArgumentNullException.ThrowIfNull(sessionId);
        if (!_sessions.TryGetValue(sessionId, out MtaTlsServerSession? session) || session.Session.ListChannels().FirstOrDefault(c => c.Id == channelId) is not { } channel)
        {
            return false;
        }

        channel.Abort();
        return true;
    }

    // Enumerates without the dictionary's locks, all of which Values would take: sessions that start or end do not wait for a list.
    private List<T> List<T>()
        where T : class
    {
        List<T> sessions = new(Volatile.Read(ref _listed) + 16);
        foreach ((string _, MtaTlsServerSession session) in _sessions)
        {
            sessions.Add((T)(object)session);
        }

        Volatile.Write(ref _listed, sessions.Count);
        return sessions;
    }
}
