namespace MtaTls.QuicTunnel.Sessions;

/// <summary>
/// Decides whether a path that answers makes the tunnel worse. A path that fails repeatedly, or loses a large share of its packets, is not used for a while, longer each time.
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

    /// <summary>Whether the path has worked long enough without a failure to be preferred again.</summary>
    public bool IsProven => _time.GetTimestamp() >= Volatile.Read(ref _provenAt);

    /// <summary>Whether the path must not be used now.</summary>
    public bool IsHeld(long now) => now < _heldUntil;

    /// <summary>Requires the path to work for a while before it is preferred, because other paths carried the session before it joined.</summary>
    public void MustProve() => Volatile.Write(ref _provenAt, After(_time.GetTimestamp(), s_proof));

    public void OnStalled(long now)
    {
        _stalls = _hasStalled && _time.GetElapsedTime(_lastStall, now) < s_memory ? _stalls + 1 : 1;
        (_lastStall, _hasStalled) = (now, true);
    }

    /// <summary>Handles a path that answers again. Returns why it is still not used; null if it is used.</summary>
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

    /// <summary>Checks the loss rate. Returns why the path is not used from now on; null if it is used.</summary>
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
