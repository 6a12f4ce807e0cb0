using System.IO.Pipelines;
using MtaTls.Client;
using MtaTls.Protocol;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>A channel to an agent: in the agent's own session, or through another gateway.</summary>
public sealed class MtaTlsAgentChannel : IDuplexPipe, IAsyncDisposable
{
    private readonly MtaTlsChannel? _own;
    private readonly MtaTlsClientChannel? _peer;

    /// <summary>Wraps a channel that this gateway has opened in the agent's session.</summary>
    /// <param name="channel">The channel.</param>
    public MtaTlsAgentChannel(MtaTlsChannel channel)
    {
        ArgumentNullException.ThrowIfNull(channel);
        _own = channel;
    }

    /// <summary>Wraps a channel to another gateway, which connects it to the agent.</summary>
    /// <param name="channel">The channel.</param>
    public MtaTlsAgentChannel(MtaTlsClientChannel channel)
    {
        ArgumentNullException.ThrowIfNull(channel);
        _peer = channel;
    }

    /// <summary>Reads the bytes that the agent sends.</summary>
    public PipeReader Input => _own?.Input ?? _peer!.Input;

    /// <summary>Writes bytes to the agent. A flush waits while too many bytes are unsent.</summary>
    public PipeWriter Output => _own?.Output ?? _peer!.Output;

    /// <summary>The same bytes as a stream.</summary>
    /// <returns>The stream. Disposing it closes the channel.</returns>
    public Stream AsStream() => _own?.AsStream() ?? _peer!;

    /// <summary>Sends all written bytes, then closes the channel.</summary>
    /// <exception cref="IOException">The session has ended.</exception>
    public ValueTask CloseAsync() => _own?.CloseAsync() ?? _peer!.CloseAsync();

    /// <summary>Closes the channel at once and discards unsent bytes.</summary>
    public void Abort()
    {
        _own?.Abort();
        _peer?.Abort();
    }

    /// <inheritdoc cref="CloseAsync"/>
    public ValueTask DisposeAsync() => CloseAsync();
}
