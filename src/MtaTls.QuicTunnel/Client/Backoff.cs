namespace MtaTls.QuicTunnel.Client;

/// <summary>Pauses that double up to a limit; each is a random part, one half at least, so that many clients do not come back at once.</summary>
internal sealed class Backoff(TimeSpan first, TimeSpan most, Random random)
{
    private TimeSpan _next;

    public void Reset() => _next = TimeSpan.Zero;

    public TimeSpan Next()
    {
        TimeSpan due = _next > TimeSpan.Zero ? _next : first;
        if (due > most)
        {
            due = most;
        }

        _next = due * 2;
        return due * (0.5 + (random.NextDouble() / 2));
    }
}
