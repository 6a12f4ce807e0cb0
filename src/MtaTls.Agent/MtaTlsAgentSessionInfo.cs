namespace MtaTls.Agent;

/// <summary>One of the agent's sessions as it was when it was asked for.</summary>
public sealed class MtaTlsAgentSessionInfo
{
    internal MtaTlsAgentSessionInfo()
    {
    }

    /// <summary>The gateway that the session is registered with.</summary>
    /// <value>Null while it is connecting.</value>
    public Uri? Gateway { get; internal init; }

    /// <summary>The name of the gateway's node.</summary>
    /// <value>Null while it is connecting.</value>
    public string? Node { get; internal init; }

    /// <summary>The names that the gateway has granted.</summary>
    public IReadOnlyList<string> GrantedNames { get; internal init; } = [];

    /// <summary>The names that the gateway has refused, with its reasons.</summary>
    public IReadOnlyDictionary<string, string> RefusedNames { get; internal init; } = new Dictionary<string, string>();

    /// <summary>Where granted names can be reached, as far as the gateway has told.</summary>
    public IReadOnlyDictionary<string, Uri> PublicUrls { get; internal init; } = new Dictionary<string, Uri>();

    /// <summary>Why the last attempt failed.</summary>
    /// <value>Null while the session is registered, and before the first attempt has ended.</value>
    public Exception? Failure { get; internal init; }

    /// <summary>Whether the gateway has refused the registration, so that further attempts fail until a rule changes.</summary>
    public bool IsRefused { get; internal init; }
}
