using System.IO.Pipelines;

namespace MtaTls.AspNetCore.Identities;

/// <summary>The pipe of a channel whose client identity has a bandwidth limit. A direction without a limit uses the channel's pipe itself.</summary>
internal sealed class PacedPipe : IDuplexPipe, IDisposable
{
    private readonly PaceDelay _reading;
    private readonly PaceDelay _writing;

    public PacedPipe(IDuplexPipe channel, ClientIdentity identity, Action<TimeSpan, bool>? delayed = null)
    {
        MtaTlsIdentityLimitOptions limits = identity.Rule.Options;
        _reading = new PaceDelay(identity.Time);
        _writing = new PaceDelay(identity.Time);
        Input = limits.ReceiveBytesPerSecond > 0 ? new PacedReader(channel.Input, identity.Received, limits.ReceiveBytesPerSecond, _reading, identity.Time, delayed) : channel.Input;
        Output = limits.SendBytesPerSecond > 0 ? new PacedWriter(channel.Output, identity.Sent, limits.SendBytesPerSecond, _writing, identity.Time, delayed) : channel.Output;
    }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    /// <summary>Ends all waits for bandwidth, because the channel has failed or its session has ended.</summary>
    public void Dispose()
    {
        _reading.Dispose();
        _writing.Dispose();
    }
}
