using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Connections;

/// <summary>The server's state of a channel. For a channel without data the server keeps only this and the protocol's state.</summary>
internal sealed class ServerChannel(SessionChannels owner, MtaTlsChannel channel, long openedAt)
{
    public SessionChannels Owner => owner;

    public MtaTlsChannel Channel => channel;

    /// <summary>When the channel was opened, as a timestamp of the server's <see cref="TimeProvider"/>.</summary>
    public long OpenedAt => openedAt;

    /// <summary>The phase of the channel. Not locked: only the caller that has taken the channel out of one phase sets the next.</summary>
    public ServerChannelPhase Phase { get; set; }

    // Links of WaitingChannels, guarded by its lock.
    public ServerChannel? Previous { get; set; }

    public ServerChannel? Next { get; set; }
}
