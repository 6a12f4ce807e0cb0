using System.Net;
using Microsoft.AspNetCore.Connections;

namespace MtaTls.Agent.Transport;

/// <summary>The listener of an app's endpoint while <see cref="MtaTlsAgentOptions.ServeLocally"/> is false: it opens no port and accepts no connections.</summary>
internal sealed class ClosedConnectionListener(EndPoint endPoint) : IConnectionListener
{
    private readonly TaskCompletionSource<ConnectionContext?> _unbound = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public EndPoint EndPoint => endPoint;

    public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) => new(_unbound.Task);

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _unbound.TrySetResult(null);
        return default;
    }

    public ValueTask DisposeAsync() => UnbindAsync();
}
