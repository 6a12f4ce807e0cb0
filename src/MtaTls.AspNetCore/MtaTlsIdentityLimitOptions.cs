namespace MtaTls.AspNetCore;

/// <summary>
/// One rule of <c>MtaTls:IdentityLimits</c>: limits for clients with a certificate. The first rule whose condition matches applies to a session. Clients without a certificate, and those that no rule
/// matches, have the limits of <see cref="MtaTlsLimits"/> alone. A change of the configuration applies to sessions that start later.
/// </summary>
public sealed class MtaTlsIdentityLimitOptions
{
    internal const int MostCount = 1_000_000;
    internal const long LeastRate = 4096;
    internal const long MostRate = 1L << 40;

    /// <summary>The rule's name in logs and metrics. Default: its position in the list ("0" is the first).</summary>
    public string? Name { get; set; }

    /// <summary>The condition on the session's client certificate. Default: null, any certificate.</summary>
    public ClientCertificateConditionOptions? ClientCertificate { get; set; }

    /// <summary>Which clients of the rule share the limits. Default: <see cref="MtaTlsIdentityScope.Certificate"/>.</summary>
    public MtaTlsIdentityScope Per { get; set; }

    /// <summary>Sessions at a time; 0 to 1,000,000, default 0, no limit. A further session ends, and its opens are refused with "Too many sessions of this client".</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxSessions { get; set => field = Ranges.Check(value, 0, MostCount); }

    /// <summary>Open channels of all sessions of the client; 0 to 1,000,000, default 0, no limit. Opens above it are refused with "Too many channels of this client".</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxChannels { get; set => field = Ranges.Check(value, 0, MostCount); }

    /// <summary>Opens in one second; 0 to 1,000,000, default 0, no limit. Opens above it are refused with "Too many opens of this client".</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxOpensPerSecond { get; set => field = Ranges.Check(value, 0, MostCount); }

    /// <summary>
    /// The bytes of channel data that all sessions of the client together may send to the server in one second; 0, or 4,096 to 2^40, default 0, no limit. Above it the application gets the data later,
    /// channel by channel in turn, and the channels' windows make the client wait. The client's pings and opens, and other clients, do not wait.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public long ReceiveBytesPerSecond { get; set => field = value == 0 ? value : Ranges.Check(value, LeastRate, MostRate); }

    /// <summary>
    /// The bytes of channel data that the server may send to all sessions of the client together in one second; 0, or 4,096 to 2^40, default 0, no limit. Above it the flushes of applications wait.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public long SendBytesPerSecond { get; set => field = value == 0 ? value : Ranges.Check(value, LeastRate, MostRate); }

    /// <summary>The rule's key in the configuration, for error messages; null for a rule that is added in code.</summary>
    internal string? ConfigurationKey { get; set; }
}
