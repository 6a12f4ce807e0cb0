using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>
/// Smooth weighted round robin: each turn every path gains its capacity as credit, the richest sends and pays for all. Two threads that
/// meet here may bend the shares by a packet, no more; so there is no lock.
/// </summary>
internal sealed class RoundRobinScheduler : IPathScheduler
{
    public int Select(ReadOnlySpan<TunnelPath> paths, uint candidates)
    {
        int best = SelectAmong(paths, candidates, needRoom: true);
        return best >= 0 ? best : SelectAmong(paths, candidates, needRoom: false);
    }

    private static int SelectAmong(ReadOnlySpan<TunnelPath> paths, uint candidates, bool needRoom)
    {
        int best = -1;
        double total = 0.0;
        for (int i = 0; i < paths.Length; i++)
        {
            if ((candidates & (1u << i)) == 0)
            {
                continue;
            }

            PathLoad load = paths[i].GetLoad();
            if (needRoom && !load.HasRoom)
            {
                continue;
            }

            total += load.Capacity;
            paths[i].Credit += load.Capacity;
            if (best < 0 || paths[i].Credit > paths[best].Credit)
            {
                best = i;
            }
        }

        if (best >= 0)
        {
            paths[best].Credit -= total;
        }

        return best;
    }
}
