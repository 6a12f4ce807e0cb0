using MtaTls.Agent.Transport;
using MtaTls.AspNetCore.Routing;

namespace MtaTls.Agent.Links;

/// <summary>The connections that a gateway has opened in one session: to the app, and to TCP services beside it.</summary>
internal sealed class LinkConnections
{
    /// <summary>How long a connection to a TCP service may carry no data while its session ends, unless it waits for the service's answer.</summary>
    private static readonly TimeSpan s_tunnelIdleTimeout = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly Group<AgentConnection> _connections = new(static c => c.RequestClose());
    private readonly Group<TcpTunnel> _tunnels = new(static t => t.ShutDown(s_tunnelIdleTimeout, server: TcpTunnelSide.Socket));
    private TaskCompletionSource? _empty;

    public void Add(AgentConnection connection) => Add(_connections, connection);

    public void Add(TcpTunnel tunnel) => Add(_tunnels, tunnel);

    public void Remove(AgentConnection connection) => Remove(_connections, connection);

    public void Remove(TcpTunnel tunnel) => Remove(_tunnels, tunnel);

    /// <summary>Closes idle connections to the app now, and the others after the request that they serve.</summary>
    public void Close() => Close(_connections);

    /// <summary>Closes idle connections to TCP services. Nobody knows what they carry, so a connection is idle if it carries nothing for a while and its service owes no answer.</summary>
    public void CloseTunnels() => Close(_tunnels);

    /// <summary>Completes when no connection is open.</summary>
    public Task WhenEmptyAsync()
    {
        lock (_lock)
        {
            _empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            CheckEmpty();
            return _empty.Task;
        }
    }

    private void Add<T>(Group<T> group, T connection)
    {
        bool isClosing;
        lock (_lock)
        {
            group.Open.Add(connection);
            isClosing = group.IsClosing;
        }

        if (isClosing)
        {
            group.Close(connection);
        }
    }

    private void Remove<T>(Group<T> group, T connection)
    {
        lock (_lock)
        {
            group.Open.Remove(connection);
            CheckEmpty();
        }
    }

    private void Close<T>(Group<T> group)
    {
        T[] open;
        lock (_lock)
        {
            group.IsClosing = true;
            open = [.. group.Open];
        }

        // Not under the lock: a connection that ends calls Remove.
        Array.ForEach(open, group.Close);
    }

    // Under the lock.
    private void CheckEmpty()
    {
        if (_connections.Open.Count == 0 && _tunnels.Open.Count == 0)
        {
            _empty?.TrySetResult();
        }
    }

    /// <summary>The connections of one kind.</summary>
    private sealed class Group<T>(Action<T> close)
    {
        public HashSet<T> Open { get; } = [];

        /// <summary>Whether connections that come now are closed too.</summary>
        public bool IsClosing { get; set; }

        public Action<T> Close { get; } = close;
    }
}
