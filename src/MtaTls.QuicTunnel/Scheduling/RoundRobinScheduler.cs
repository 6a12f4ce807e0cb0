namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>
/// Similar paths send in turn, in proportion to their rates: each packet adds its transmission time to the turn time of its path, and the path with the smallest turn time is next. A much slower
/// path is used as with <see cref="EarliestDeliveryScheduler"/>.
/// </summary>
internal sealed class RoundRobinScheduler : IPathScheduler
{
    private const double Slack = 0.01;

    // The largest lead of one turn time over another, in seconds: a path that sent nothing for a while must not catch up later.
    private const double MostLead = 0.05;

    public bool PrefersQuickest => false;

    public long Ahead(in PathChoice choice)
    {
        double quickest = double.MaxValue;
        foreach (ref readonly PathEstimate estimate in choice.Estimates)
        {
            quickest = Math.Min(quickest, estimate.Delay);
        }

        double limit = (quickest * 1.5) + Slack;
        if (choice.Estimates[choice.Asking].Delay > limit)
        {
            return choice.BytesOfQuickerPaths();
        }

        double own = choice.Paths[choice.Asking].TurnTime, least = double.MaxValue, most = own;
        for (int i = 0; i < choice.Estimates.Length; i++)
        {
            if (choice.Estimates[i].Delay <= limit)
            {
                most = Math.Max(most, choice.Paths[i].TurnTime);
                if (choice.Estimates[i].HasRoom)
                {
                    least = Math.Min(least, choice.Paths[i].TurnTime);
                }
            }
        }

        if (own > least)
        {
            return PathChoice.Nothing;
        }

        choice.Paths[choice.Asking].TurnTime = Math.Max(own, most - MostLead) + (1400 / choice.Estimates[choice.Asking].Rate);
        return 0;
    }
}
