using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>The paths among which a scheduler chooses.</summary>
internal readonly ref struct PathChoice(ReadOnlySpan<TunnelPath> paths, ReadOnlySpan<PathEstimate> estimates, int asking)
{
    /// <summary>This path should send nothing now.</summary>
    public const long Nothing = long.MaxValue;

    /// <summary>Those that work.</summary>
    public ReadOnlySpan<TunnelPath> Paths { get; } = paths;

    public ReadOnlySpan<PathEstimate> Estimates { get; } = estimates;

    /// <summary>The index of the path that can send now.</summary>
    public int Asking { get; } = asking;

    /// <summary>The bytes that quicker paths deliver in the time by which they are quicker.</summary>
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
