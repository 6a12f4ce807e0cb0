namespace MtaTls.Agent;

/// <summary>A snapshot of one of the agent's sessions.</summary>
public sealed class MtaTlsAgentSessionInfo
{
    internal MtaTlsAgentSessionInfo()
    {
    }

    /// <summary>The URL of the gateway with which the session is registered.</summary>
    /// <value>Null while the session is connecting.</value>
    public Uri? Gateway { get; internal init; }

    /// <summary>The gateway's name (node).</summary>
    /// <value>Null while the session is connecting.</value>
    public string? Node { get; internal init; }

    /// <summary>The names that the gateway has granted.</summary>
    public IReadOnlyList<string> GrantedNames { get; internal init; } = [];

    /// <summary>The names that the gateway has refused, with its reasons.</summary>
    public IReadOnlyDictionary<string, string> RefusedNames { get; internal init; } = new Dictionary<string, string>();

    /// <summary>The public URLs of granted names, as far as the gateway knows them.</summary>
    public IReadOnlyDictionary<string, Uri> PublicUrls { get; internal init; } = new Dictionary<string, Uri>();

    /// <summary>Why the last attempt failed.</summary>
    /// <value>Null while the session is registered, and before the first attempt has ended.</value>
    public Exception? Failure { get; internal init; }

    /// <summary>Whether the gateway has refused the registration, so that further attempts will fail until its configuration or the agent's changes.</summary>
    public bool IsRefused { get; internal init; }
}
