using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>The preferred path among those that work. One that has failed is preferred again when it has proved itself.</summary>
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
