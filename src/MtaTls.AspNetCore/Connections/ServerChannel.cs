using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Connections;

/// <summary>A channel on the server's side: all that the server keeps, beside the protocol's own state, for one that has not spoken yet.</summary>
internal sealed class ServerChannel(SessionChannels owner, MtaTlsChannel channel, long openedAt)
{
    public SessionChannels Owner => owner;

    public MtaTlsChannel Channel => channel;

    /// <summary>A timestamp of the server's clock.</summary>
    public long OpenedAt => openedAt;

    /// <summary>Where it is in its life. Who has taken it from one phase to the next alone sets the following one.</summary>
    public ServerChannelPhase Phase { get; set; }

    // Links of WaitingChannels, guarded by its lock.
    public ServerChannel? Previous { get; set; }

    public ServerChannel? Next { get; set; }
}
