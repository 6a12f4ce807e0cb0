using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using MtaTls.Agents;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>
/// The host names that stand for agents in the addresses of destinations. Each agent has its own, so that each has its own pool of connections. They end in <c>.invalid</c>, which never exists
/// (RFC 6761): an HTTP client without the agents' ConnectCallback can't connect to them by mistake.
/// </summary>
internal static class AgentAuthority
{
    /// <summary>The end of all these host names.</summary>
    public const string Suffix = ".mta-tls-agents.invalid";

    /// <summary>The most keys that are cached. The keys of further names are computed each time.</summary>
    private const int MaxKeys = 20_000;

    private static readonly ConcurrentDictionary<AgentName, string> s_keys = new();
    private static int s_keyCount;

    private static readonly ConcurrentDictionary<string, AgentName> s_names = new(StringComparer.Ordinal);

    /// <summary>The host name of one agent for a name.</summary>
    public static string Of(string registration, in AgentName name) => $"{registration}.{Key(name)}{Suffix}";

    /// <summary>The host name of a name that no agent has now. A request to it waits for an agent.</summary>
    public static string Waiting(in AgentName name) => $"any.{Key(name)}{Suffix}";

    /// <summary>Finds the agent and the name that a host name stands for.</summary>
    /// <param name="host">The host name.</param>
    /// <param name="registration">The id of the agent's registration; null: any agent.</param>
    /// <param name="name">The agent's name.</param>
    public static bool TryParse(string host, out string? registration, out AgentName name)
    {
        (registration, name) = (null, default);
        if (!TrySplit(host, out string first, out string key) || !s_names.TryGetValue(key, out name))
        {
            return false;
        }

        registration = first == "any" ? null : first;
        return true;
    }

    /// <summary>Splits a host name into its two labels.</summary>
    public static bool TrySplit(string host, out string registration, out string key)
    {
        (registration, key) = ("", "");
        if (!host.EndsWith(Suffix, StringComparison.Ordinal))
        {
            return false;
        }

        string[] labels = host[..^Suffix.Length].Split('.');
        if (labels.Length != 2)
        {
            return false;
        }

        (registration, key) = (labels[0], labels[1]);
        return true;
    }

    /// <summary>Whether the second label of a host name stands for the name.</summary>
    public static bool IsKey(string key, in AgentName name) => key == Key(name);

    /// <summary>Lets <see cref="TryParse"/> find the name. Only for names of the configuration, because these names are never removed.</summary>
    public static void Remember(in AgentName name) => s_names.TryAdd(Key(name), name);

    private static string Key(in AgentName name)
    {
        if (s_keys.TryGetValue(name, out string? key))
        {
            return key;
        }

        key = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(name.ToString())).AsSpan(0, 16));
        if (Volatile.Read(ref s_keyCount) < MaxKeys && s_keys.TryAdd(name, key))
        {
            Interlocked.Increment(ref s_keyCount);
        }

        return key;
    }
}
