using System.IO.Pipelines;
using MtaTls.Client;
using MtaTls.Protocol;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>A channel to an agent: in the agent's own session, or through another gateway.</summary>
public sealed class MtaTlsAgentChannel : IDuplexPipe, IAsyncDisposable
{
    private readonly MtaTlsChannel? _own;
    private readonly MtaTlsClientChannel? _peer;

    /// <summary>A channel that this gateway has opened in the agent's session.</summary>
    /// <param name="channel">The channel.</param>
    public MtaTlsAgentChannel(MtaTlsChannel channel)
    {
        ArgumentNullException.ThrowIfNull(channel);
        _own = channel;
    }

    /// <summary>A channel that another gateway connects to the agent.</summary>
    /// <param name="channel">The channel.</param>
    public MtaTlsAgentChannel(MtaTlsClientChannel channel)
    {
        ArgumentNullException.ThrowIfNull(channel);
        _peer = channel;
    }

    /// <summary>What the agent sends.</summary>
    public PipeReader Input => _own?.Input ?? _peer!.Input;

    /// <summary>What is sent to the agent. A flush waits while too much is unsent.</summary>
    public PipeWriter Output => _own?.Output ?? _peer!.Output;

    /// <summary>The same bytes as a stream, which closes the channel when it is disposed.</summary>
    public Stream AsStream() => _own?.AsStream() ?? _peer!;

    /// <summary>Sends what was written, then closes the channel.</summary>
    /// <exception cref="IOException">The session has ended.</exception>
    public ValueTask CloseAsync() => _own?.CloseAsync() ?? _peer!.CloseAsync();

    /// <summary>Closes the channel at once; what was not sent is discarded.</summary>
    public void Abort()
    {
        _own?.Abort();
        _peer?.Abort();
    }

    /// <inheritdoc cref="CloseAsync"/>
    public ValueTask DisposeAsync() => CloseAsync();
}
