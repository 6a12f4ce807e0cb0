using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using MtaTls.Agent.Links;

namespace MtaTls.Agent.Transport;

/// <summary>Gives Kestrel the channels that gateways open, as connections.</summary>
internal sealed class AgentConnectionListener(MtaTlsAgentEndPoint endPoint, AgentRuntime runtime) : IConnectionListener
{
    // Bounded by the channels that the sessions allow.
    private readonly Channel<ConnectionContext> _accepted = Channel.CreateUnbounded<ConnectionContext>(new UnboundedChannelOptions { SingleReader = true });

    public EndPoint EndPoint => endPoint;

    public bool IsHttp2 => endPoint.IsHttp2;

    /// <summary>Never throws: Kestrel would accept nothing more, and the app would look healthy.</summary>
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
    /// The first step of Kestrel's stop. Gateways are told and have answered before this returns, so that no request is on its way to a connection that Kestrel closes next.
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
