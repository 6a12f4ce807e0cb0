using System.Security.Cryptography;

namespace MtaTls.AspNetCore.Connections;

/// <summary>When a session is to be left because of its age (<see cref="MtaTlsLimits.SessionLifetime"/>), and when it is to end. Looked at by one thread at a time.</summary>
internal sealed class SessionAge
{
    /// <summary>The part of the age that is random: sessions that began together, as after a restart, do not all end together.</summary>
    private const double Jitter = 0.1;

    private readonly TimeProvider _time;
    private readonly long _goAwayAt;
    private bool _left;

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

    /// <summary>How long opens are served after the client was told to go elsewhere: what uses the session's channels changes over meanwhile.</summary>
    public static TimeSpan DrainTime { get; } = TimeSpan.FromSeconds(30);

    /// <summary>What is to be done now.</summary>
    public Step Look()
    {
        long now = _time.GetTimestamp();
        if (now < _goAwayAt)
        {
            return Step.None;
        }

        if (!_left)
        {
            _left = true;
            return Step.GoAway;
        }

        return _time.GetElapsedTime(_goAwayAt, now) >= DrainTime ? Step.End : Step.None;
    }
}
