using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>The least round-trip time among the paths with room in their congestion window, else the earliest delivery.</summary>
internal sealed class MinRttScheduler : IPathScheduler
{
    public int Select(ReadOnlySpan<TunnelPath> paths, uint candidates)
    {
        int free = -1, earliest = -1;
        long freeRtt = long.MaxValue, earliestDelivery = long.MaxValue;
        for (int i = 0; i < paths.Length; i++)
        {
            if ((candidates & (1u << i)) == 0)
            {
                continue;
            }

            PathLoad load = paths[i].GetLoad();
            if (load.HasRoom && (free < 0 || load.Rtt < freeRtt))
            {
                (free, freeRtt) = (i, load.Rtt);
            }

            long delivery = load.DeliveryTime;
            if (earliest < 0 || delivery < earliestDelivery)
            {
                (earliest, earliestDelivery) = (i, delivery);
            }
        }

        return free >= 0 ? free : earliest;
    }
}
