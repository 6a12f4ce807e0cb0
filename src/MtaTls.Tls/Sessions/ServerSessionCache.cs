using MtaTls.Tls.Certificates;
using MtaTls.Tls.OpenSsl;

namespace MtaTls.Tls.Sessions;

/// <summary>
/// The resumable sessions of one server context, instead of OpenSSL's own cache. It guarantees that a session can be removed, and that a TLS 1.3 ticket
/// is used for one resumption only. When it is full, the least recently used session is dropped.
/// </summary>
internal sealed class ServerSessionCache(int capacity) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<SessionId, LinkedListNode<Entry>> _byId = [];
    private readonly LinkedList<Entry> _byUse = new();
    private bool _disposed;

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _byId.Count;
            }
        }
    }

    /// <summary>Keeps a session. Returns true when it took over the reference.</summary>
    public bool Add(SessionId id, nint session, PeerCertificates? peer)
    {
        bool singleUse = LibSsl.SSL_SESSION_get_protocol_version(session) == LibSsl.Tls13;
        lock (_gate)
        {
            if (_disposed || capacity == 0)
            {
                return false;
            }

            RemoveLocked(id);
            if (_byId.Count == capacity)
            {
                RemoveLocked(_byUse.Last!.Value.Id);
            }

            _byId.Add(id, _byUse.AddFirst(new Entry(id, new SslSessionHandle(session), peer, singleUse)));
            return true;
        }
    }

    /// <summary>Gets the certificates of the client that the session was created with.</summary>
    public bool TryGetPeer(SessionId id, out PeerCertificates? peer)
    {
        lock (_gate)
        {
            bool found = _byId.TryGetValue(id, out LinkedListNode<Entry>? node);
            peer = node?.Value.Peer;
            return found;
        }
    }

    /// <summary>Returns a new reference to the session; 0 when the cache does not have it.</summary>
    public nint Take(SessionId id)
    {
        lock (_gate)
        {
            if (!_byId.TryGetValue(id, out LinkedListNode<Entry>? node))
            {
                return 0;
            }

            nint session = node.Value.Session.DangerousGetHandle();
            _ = LibSsl.SSL_SESSION_up_ref(session);
            if (node.Value.SingleUse)
            {
                RemoveLocked(id);
            }
            else
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
            }

            return session;
        }
    }

    public void Remove(SessionId id)
    {
        lock (_gate)
        {
            RemoveLocked(id);
        }
    }

    /// <summary>Visits every session, for tests.</summary>
    internal void ForEach(Action<nint> visit)
    {
        lock (_gate)
        {
            foreach (Entry entry in _byUse)
            {
                visit(entry.Session.DangerousGetHandle());
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            while (_byUse.Last is { } last)
            {
                RemoveLocked(last.Value.Id);
            }
        }
    }

    private void RemoveLocked(SessionId id)
    {
        if (_byId.Remove(id, out LinkedListNode<Entry>? node))
        {
            _byUse.Remove(node);
            node.Value.Session.Dispose();
        }
    }

    private sealed record Entry(SessionId Id, SslSessionHandle Session, PeerCertificates? Peer, bool SingleUse);
}
