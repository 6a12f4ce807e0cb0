using System.Security.Cryptography;

namespace MtaTls.AspNetCore.Connections;

/// <summary>Decides when a session sends a go-away because of its age (<see cref="MtaTlsLimits.SessionLifetime"/>), and when it ends. Not thread-safe.</summary>
internal sealed class SessionAge
{
    /// <summary>The random part of the age: sessions that began together, as after a restart, should not all end together.</summary>
    private const double Jitter = 0.1;

    private readonly TimeProvider _time;
    private readonly long _goAwayAt;
    private bool _hasSentGoAway;

    public SessionAge(TimeSpan lifetime, TimeProvider time)
    {
        _time = time;
        double seconds = lifetime.TotalSeconds * (1 - Jitter * RandomNumberGenerator.GetInt32(1_000) / 1_000);
        _goAwayAt = lifetime == Timeout.InfiniteTimeSpan ? long.MaxValue : time.GetTimestamp() + (long)(seconds * time.TimestampFrequency);
    }

    public enum Step
    {
        None,
        GoAway,
        End,
    }

    /// <summary>The time between the go-away and the refusal of opens. Meanwhile the client changes over to another session.</summary>
    public static TimeSpan DrainTime { get; } = TimeSpan.FromSeconds(30);

    /// <summary>Returns the step that is due now.</summary>
    public Step GetStep()
    {
        long now = _time.GetTimestamp();
        if (now < _goAwayAt)
        {
            return Step.None;
        }

        if (!_hasSentGoAway)
        {
            _hasSentGoAway = true;
            return Step.GoAway;
        }

        return _time.GetElapsedTime(_goAwayAt, now) >= DrainTime ? Step.End : Step.None;
    }
}
