using System.IO.Pipelines;

namespace MtaTls.AspNetCore.Identities;

/// <summary>A channel of an identity whose bandwidth is limited. What is not limited is the channel's own.</summary>
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

    /// <summary>Nothing waits for bandwidth any more: the channel has failed, or its session has ended.</summary>
    public void Dispose()
    {
        _reading.Dispose();
        _writing.Dispose();
    }
}
