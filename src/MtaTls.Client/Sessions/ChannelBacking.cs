using System.IO.Pipelines;
using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

/// <summary>What carries a client's channel: a channel of a session, or a TLS connection of its own.</summary>
internal abstract class ChannelBacking
{
    public abstract PipeReader Input { get; }

    public abstract PipeWriter Output { get; }

    /// <summary>Null for a TLS connection of its own.</summary>
    public abstract ChannelId? Id { get; }

    public abstract ReadOnlyMemory<byte> ApplicationProtocol { get; }

    public abstract long BytesReceived { get; }

    public abstract long BytesSent { get; }

    /// <summary>Sends what was written, then closes. Called once.</summary>
    public abstract ValueTask CloseAsync(CancellationToken cancellationToken);

    /// <summary>Closes at once.</summary>
    public abstract void Abort(Exception? reason);
}
