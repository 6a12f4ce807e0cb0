using MtaTls.Agent.Transport;

namespace MtaTls.Agent.Links;

/// <summary>The connections that a gateway has opened in one session.</summary>
internal sealed class LinkConnections
{
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly HashSet<AgentConnection> _open = [];
    private bool _closing;

    public void Add(AgentConnection connection)
    {
        lock (_lock)
        {
            if (!_closing)
            {
                _open.Add(connection);
                return;
            }
        }

        connection.RequestClose();
    }

    public void Remove(AgentConnection connection)
    {
        lock (_lock)
        {
            _open.Remove(connection);
        }
    }

    /// <summary>Those that serve a request end after it, the others now.</summary>
    public void Close()
    {
        AgentConnection[] open;
        lock (_lock)
        {
            _closing = true;
            open = [.. _open];
        }

        foreach (AgentConnection connection in open)
        {
            connection.RequestClose();
        }
    }
}
