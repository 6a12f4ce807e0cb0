using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>The paths from which a scheduler chooses.</summary>
internal readonly ref struct PathChoice(ReadOnlySpan<TunnelPath> paths, ReadOnlySpan<PathEstimate> estimates, int asking)
{
    /// <summary>The result that means: this path must send nothing now.</summary>
    public const long Nothing = long.MaxValue;

    /// <summary>The usable paths.</summary>
    public ReadOnlySpan<TunnelPath> Paths { get; } = paths;

    public ReadOnlySpan<PathEstimate> Estimates { get; } = estimates;

    /// <summary>The index of the path that can send now.</summary>
    public int Asking { get; } = asking;

    /// <summary>Computes the bytes that the faster paths deliver before a packet over the asking path would arrive.</summary>
    public long BytesOfQuickerPaths()
    {
        double own = Estimates[Asking].Delivery, bytes = 0;
        for (int i = 0; i < Estimates.Length; i++)
        {
            if (i != Asking && Estimates[i].Delivery < own)
            {
                bytes += (own - Estimates[i].Delivery) * Estimates[i].Rate;
            }
        }

        return (long)bytes;
    }
}
