using MtaTls.Tls.Certificates;
using MtaTls.Tls.OpenSsl;

namespace MtaTls.Tls.Sessions;

/// <summary>The sessions that a client context can resume, the newest first. A session of TLS 1.3 is used once (RFC 8446, appendix C.4).</summary>
internal sealed class ClientSessionCache(int capacity) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Entry> _sessions = new();
    private bool _disposed;

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _sessions.Count;
            }
        }
    }

    /// <summary>Keeps a session. Returns true when it took over the reference.</summary>
    public bool Add(nint session, PeerCertificates? peer)
    {
        lock (_gate)
        {
            if (_disposed || capacity == 0)
            {
                return false;
            }

            if (_sessions.Count == capacity)
            {
                Remove(_sessions.Last!);
            }

            _sessions.AddFirst(new Entry(new SslSessionHandle(session), peer));
            return true;
        }
    }

    /// <summary>Returns the newest session, with a reference for the caller; null when there is none.</summary>
    public (SslSessionHandle Session, PeerCertificates? Peer)? Take()
    {
        lock (_gate)
        {
            while (_sessions.First is { } first)
            {
                nint session = first.Value.Session.DangerousGetHandle();
                bool resumable = LibSsl.SSL_SESSION_is_resumable(session) == 1;
                if (resumable)
                {
                    _ = LibSsl.SSL_SESSION_up_ref(session);
                }

                PeerCertificates? peer = first.Value.Peer;
                if (!resumable || LibSsl.SSL_SESSION_get_protocol_version(session) == LibSsl.Tls13)
                {
                    Remove(first);
                }

                if (resumable)
                {
                    return (new SslSessionHandle(session), peer);
                }
            }

            return null;
        }
    }

    public void Remove(nint session)
    {
        lock (_gate)
        {
            for (LinkedListNode<Entry>? node = _sessions.First; node is not null; node = node.Next)
            {
                if (node.Value.Session.DangerousGetHandle() == session)
                {
                    Remove(node);
                    return;
                }
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            while (_sessions.Last is { } last)
            {
                Remove(last);
            }
        }
    }

    private void Remove(LinkedListNode<Entry> node)
    {
        _sessions.Remove(node);
        node.Value.Session.Dispose();
    }

    private sealed record Entry(SslSessionHandle Session, PeerCertificates? Peer);
}
