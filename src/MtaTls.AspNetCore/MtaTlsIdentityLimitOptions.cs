namespace MtaTls.AspNetCore;

/// <summary>
/// One rule of <c>MtaTls:IdentityLimits</c>: what clients with a certificate may use. The first rule whose condition holds is for a session; clients without a certificate, and those that no rule is
/// for, have the limits of <see cref="MtaTlsLimits"/> alone. A changed configuration is for sessions that start from then on.
/// </summary>
public sealed class MtaTlsIdentityLimitOptions
{
    internal const int MostCount = 1_000_000;
    internal const long LeastRate = 4096;
    internal const long MostRate = 1L << 40;

    /// <summary>The name by which logs and metrics call the rule. Default: its place in the list ("0" is the first).</summary>
    public string? Name { get; set; }

    /// <summary>What the session's client certificate must be. Default: null, any certificate.</summary>
    public ClientCertificateConditionOptions? ClientCertificate { get; set; }

    /// <summary>Which of the rule's clients share the limits. Default: <see cref="MtaTlsIdentityScope.Certificate"/>.</summary>
    public MtaTlsIdentityScope Per { get; set; }

    /// <summary>Sessions at a time; 0 to 1,000,000, default 0, no limit. In one above it every open is refused with "Too many sessions of this client", and it ends.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxSessions { get; set => field = Count(value); }

    /// <summary>Open channels of all its sessions; 0 to 1,000,000, default 0, no limit. Opens above it are refused with "Too many channels of this client".</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxChannels { get; set => field = Count(value); }

    /// <summary>Opens in any second; 0 to 1,000,000, default 0, no limit. Opens above it are refused with "Too many opens of this client".</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxOpensPerSecond { get; set => field = Count(value); }

    /// <summary>
    /// The bytes of channel data that all its sessions together send to the server in a second; 0, or 4,096 to 2^40, default 0, no limit. Channels above it are read later, in turn, and their windows
    /// hold the client back; its pings and opens, and other clients, do not wait.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public long ReceiveBytesPerSecond { get; set => field = Rate(value); }

    /// <summary>The same for the bytes that the server sends: applications wait in their flushes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public long SendBytesPerSecond { get; set => field = Rate(value); }

    /// <summary>Where the rule stands in the configuration, for error messages; null for one made in code.</summary>
    internal string? ConfigurationKey { get; set; }

    private static int Count(int value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MostCount);
        return value;
    }

    private static long Rate(long value)
    {
        if (value != 0)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, LeastRate);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MostRate);
        }

        return value;
    }
}
