using System.Runtime.CompilerServices;

namespace MtaTls.Protocol;

/// <summary>How an end notices that its peer no longer answers: by TCP, which finds lost connections, and by pings, which find a process that hangs as well.</summary>
public sealed class MtaTlsKeepAliveOptions
{
    /// <summary>Whether the operating system's TCP keep-alive is on for the connections below sessions, with <see cref="Interval"/> and <see cref="Timeout"/>.</summary>
    /// <value>Default: true.</value>
    public bool Tcp { get; set; } = true;

    /// <summary>Whether pings are sent (docs/mta-tls-wire.md, "Signals").</summary>
    /// <value>Default: true for a client, false for a server.</value>
    public bool Ping { get; set; }

    /// <summary>How long nothing must have been received before the peer is asked.</summary>
    /// <value>Default: 15 seconds. Range: 1 second to 1 day.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan Interval { get; set => field = Check(value, TimeSpan.FromDays(1)); } = TimeSpan.FromSeconds(15);

    /// <summary>How long the peer may send nothing after it was asked, before the session ends.</summary>
    /// <value>Default: 10 seconds. Range: 1 second to 1 hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan Timeout { get; set => field = Check(value, TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(10);

    private static TimeSpan Check(TimeSpan value, TimeSpan most, [CallerMemberName] string? name = null) =>
        value >= TimeSpan.FromSeconds(1) && value <= most ? value : throw new ArgumentOutOfRangeException(name, value, $"{name} must be from 1 second to {most}.");
}
