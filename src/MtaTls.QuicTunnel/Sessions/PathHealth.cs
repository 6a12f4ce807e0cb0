namespace MtaTls.QuicTunnel.Sessions;

/// <summary>
/// Whether a path that answers does more harm than good: one that fails again and again, or loses a large share of its packets, is not used for a while, longer each time.
/// </summary>
internal sealed class PathHealth
{
    private const double HarmfulLoss = 0.2;
    private static readonly TimeSpan s_memory = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_proof = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time;
    private long _lastStall, _heldUntil, _provenAt;
    private int _stalls, _lossy;
    private bool _hasStalled;

    public PathHealth(TimeProvider time) => _time = time;

    /// <summary>Since when the path works without a failure is long enough that the preferred path may be used again.</summary>
    public bool IsProven => _time.GetTimestamp() >= Volatile.Read(ref _provenAt);

    /// <summary>Whether the path is not to be used now.</summary>
    public bool IsHeld(long now) => now < _heldUntil;

    /// <summary>The path must prove itself first: another has carried the session before it came.</summary>
    public void MustProve() => Volatile.Write(ref _provenAt, After(_time.GetTimestamp(), s_proof));

    public void OnStalled(long now)
    {
        _stalls = _hasStalled && _time.GetElapsedTime(_lastStall, now) < s_memory ? _stalls + 1 : 1;
        (_lastStall, _hasStalled) = (now, true);
    }

    /// <summary>The path answers again. Returns why it is not used all the same; null when it is.</summary>
    public string? OnAnswering(long now)
    {
        TimeSpan hold = Pause(_stalls - 1, TimeSpan.FromSeconds(1));
        Volatile.Write(ref _provenAt, After(now, hold > s_proof ? hold : s_proof));
        if (_stalls < 2)
        {
            return null;
        }

        _heldUntil = After(now, hold);
        return $"it has failed {_stalls} times within {s_memory.TotalSeconds:f0} s, and is tried again in {hold.TotalSeconds:f0} s";
    }

    /// <summary>Judges the loss. Returns why the path is not used from now on; null when it is.</summary>
    public string? OnLoss(double share, long now)
    {
        if (share <= HarmfulLoss || IsHeld(now))
        {
            return null;
        }

        TimeSpan hold = Pause(++_lossy, TimeSpan.FromSeconds(2.5));
        _heldUntil = After(now, hold);
        return $"it loses {share:p0} of its packets, and is tried again in {hold.TotalSeconds:f0} s";
    }

    private static TimeSpan Pause(int times, TimeSpan first)
    {
        TimeSpan pause = first * Math.Pow(2, Math.Clamp(times, 0, 10));
        return pause > s_longest ? s_longest : pause;
    }

    private long After(long now, TimeSpan time) => now + (long)(time.TotalSeconds * _time.TimestampFrequency);
}
