using System.Collections.Concurrent;

namespace MtaTls.AspNetCore.Connections;

/// <summary>The sessions that are open, by their ids.</summary>
internal sealed class ServerSessions : IMtaTlsSessions
{
    private readonly ConcurrentDictionary<string, MtaTlsServerSession> _sessions = new(StringComparer.Ordinal);

    public void Add(MtaTlsServerSession session) => _sessions[session.SessionId] = session;

    public void Remove(MtaTlsServerSession session) => _sessions.TryRemove(new KeyValuePair<string, MtaTlsServerSession>(session.SessionId, session));

    public IReadOnlyList<IMtaTlsSessionFeature> List() => [.. _sessions.Values];

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
}
