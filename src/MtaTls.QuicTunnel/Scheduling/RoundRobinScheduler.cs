namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>
/// Paths that are much alike send in turn, as much as their rates allow: each byte takes its path's time, and the path whose time is least is next. A path that is much slower does as with
/// <see cref="EarliestDeliveryScheduler"/>.
/// </summary>
internal sealed class RoundRobinScheduler : IPathScheduler
{
    private const double Slack = 0.01;

    // Times drift apart while a path has nothing to send: what it did not use is not owed.
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
