using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>Uses the preferred path among those that work. A path that has failed is preferred again after it has worked for some time.</summary>
internal sealed class ActiveBackupScheduler : IPathScheduler
{
    public bool PrefersQuickest => false;

    public long Ahead(in PathChoice choice)
    {
        TunnelPath? preferred = null;
        bool isProven = false;
        foreach (TunnelPath path in choice.Paths)
        {
            bool proven = path.Health.IsProven;
            if (preferred is null || (proven && !isProven) || (proven == isProven && path.Preference < preferred.Preference))
            {
                (preferred, isProven) = (path, proven);
            }
        }

        return choice.Paths[choice.Asking] == preferred ? 0 : PathChoice.Nothing;
    }
}
