using System.Collections.Concurrent;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Connections;

/// <summary>The sessions that are open, by their ids.</summary>
internal sealed class ServerSessions : IMtaTlsSessions
{
    private readonly ConcurrentDictionary<string, MtaTlsServerSession> _sessions = new(StringComparer.Ordinal);
    private int _left;
    private int _listed; // how many there were when they were last listed: the next list is made as long

    /// <summary>Whether a session that is open was told that this end will stop.</summary>
    public bool AnyLeft => Volatile.Read(ref _left) > 0;

    /// <summary>A session was told that this end will stop.</summary>
    public void Left() => Interlocked.Increment(ref _left);

    /// <summary>Such a session has ended.</summary>
    public void LeftEnded() => Interlocked.Decrement(ref _left);

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

    // Without the dictionary's locks, which Values takes all of: a session that starts or ends does not wait for a list.
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
