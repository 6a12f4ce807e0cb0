using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Connections;

/// <summary>A channel that is open and has not spoken yet: all that the server keeps for it beside the protocol's own state.</summary>
internal sealed class WaitingChannel(MtaTlsServerSession session, MtaTlsChannel channel, long openedAt)
{
    public MtaTlsServerSession Session => session;

    public MtaTlsChannel Channel => channel;

    /// <summary>A timestamp of the server's clock.</summary>
    public long OpenedAt => openedAt;

    // Links of WaitingChannels, guarded by its lock.
    public WaitingChannel? Previous { get; set; }

    public WaitingChannel? Next { get; set; }

    public bool IsListed { get; set; }
}
