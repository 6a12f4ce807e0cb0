using System.IO.Pipelines;
using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

/// <summary>The transport of a client's channel: a channel of a session, or a separate TLS connection.</summary>
internal abstract class ChannelBacking
{
    public abstract PipeReader Input { get; }

    public abstract PipeWriter Output { get; }

    /// <summary>The id of the channel; null for a separate TLS connection.</summary>
    public abstract ChannelId? Id { get; }

    public abstract ReadOnlyMemory<byte> ApplicationProtocol { get; }

    public abstract long BytesReceived { get; }

    public abstract long BytesSent { get; }

    /// <summary>Sends written data, then closes. Called once.</summary>
    public abstract ValueTask CloseAsync(CancellationToken cancellationToken);

    /// <summary>Closes at once.</summary>
    public abstract void Abort(Exception? reason);
}
