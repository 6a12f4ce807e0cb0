using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using MtaTls.Agent.Links;

namespace MtaTls.Agent.Transport;

/// <summary>Passes the channels that gateways open to Kestrel, as connections.</summary>
internal sealed class AgentConnectionListener(MtaTlsAgentEndPoint endPoint, AgentRuntime runtime) : IConnectionListener
{
    // Unbounded here, because the sessions limit their channels.
    private readonly Channel<ConnectionContext> _accepted = Channel.CreateUnbounded<ConnectionContext>(new UnboundedChannelOptions { SingleReader = true });

    public EndPoint EndPoint => endPoint;

    public bool IsHttp2 => endPoint.IsHttp2;

    /// <summary>Never throws. After an exception Kestrel would accept no more connections, while the app still looks healthy.</summary>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await _accepted.Reader.ReadAsync(cancellationToken);
        }
        catch (Exception e) when (e is ChannelClosedException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>Whether Kestrel will serve the connection.</summary>
    public bool TryAdd(AgentConnection connection) => _accepted.Writer.TryWrite(connection);

    /// <summary>
    /// Called as the first step of Kestrel's stop. It returns when all gateways have answered that they send no more requests. So no request can meet a connection that Kestrel closes next.
    /// </summary>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await runtime.DrainAsync(cancellationToken);
        _accepted.Writer.TryComplete();
    }

    public async ValueTask DisposeAsync()
    {
        _accepted.Writer.TryComplete();
        while (_accepted.Reader.TryRead(out ConnectionContext? connection))
        {
            await connection.DisposeAsync();
        }

        await runtime.ReleaseAsync(this);
    }
}
