namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>
/// Sends each packet over the path that delivers it first (earliest completion first). A slower path takes a packet from further back in the queue, which arrives over it just when its turn comes. It
/// takes nothing if the faster paths will have delivered all waiting packets by then. So a slower path never adds delay.
/// </summary>
internal sealed class EarliestDeliveryScheduler : IPathScheduler
{
    public bool PrefersQuickest => true;

    public long Ahead(in PathChoice choice) => choice.BytesOfQuickerPaths();
}
