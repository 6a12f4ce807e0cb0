namespace MtaTls.QuicTunnel.Client;

/// <summary>Pauses that double up to a limit. A part of each is random, so that many clients do not come back at once.</summary>
internal sealed class Backoff(TunnelReconnectOptions options, Random random)
{
    private TimeSpan _next;

    public void Reset() => _next = TimeSpan.Zero;

    public TimeSpan Next()
    {
        TimeSpan due = _next > TimeSpan.Zero ? _next : options.InitialDelay;
        if (due > options.MaxDelay)
        {
            due = options.MaxDelay;
        }

        _next = due * 2;
        return due * (1 - (options.Jitter * random.NextDouble()));
    }
}
