namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>
/// Each packet goes over the path that delivers it first (earliest completion first). A slower path takes the packet from behind that arrives over it when its turn would have come, and nothing when
/// the quicker ones will have delivered all that waits by then: it can only help.
/// </summary>
internal sealed class EarliestDeliveryScheduler : IPathScheduler
{
    public bool PrefersQuickest => true;

    public long Ahead(in PathChoice choice) => choice.BytesOfQuickerPaths();
}
