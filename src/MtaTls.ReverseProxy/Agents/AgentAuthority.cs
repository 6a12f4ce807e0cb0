using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using MtaTls.Agents;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>
/// The authorities that stand for agents in the addresses of destinations, so that each agent has its own pool of connections. They end in <c>.invalid</c>, which never exists (RFC 6761): a client that
/// does not know them connects to nothing.
/// </summary>
internal static class AgentAuthority
{
    /// <summary>What all end in.</summary>
    public const string Suffix = ".mta-tls-agents.invalid";

    /// <summary>The keys of names beyond that many are computed each time.</summary>
    private const int MaxKeys = 20_000;

    private static readonly ConcurrentDictionary<AgentName, string> s_keys = new();
    private static int s_keyCount;

    private static readonly ConcurrentDictionary<string, AgentName> s_names = new(StringComparer.Ordinal);

    /// <summary>The address of one agent for a name.</summary>
    public static string Of(string registration, in AgentName name) => $"{registration}.{Key(name)}{Suffix}";

    /// <summary>The address of a name that no agent has: connecting waits for one.</summary>
    public static string Waiting(in AgentName name) => $"any.{Key(name)}{Suffix}";

    /// <summary>Reads an authority.</summary>
    /// <param name="host">The host.</param>
    /// <param name="registration">The agent; null: any.</param>
    /// <param name="name">The name.</param>
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

    /// <summary>Takes an authority apart.</summary>
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

    /// <summary>Whether a part of an authority stands for the name.</summary>
    public static bool IsKey(string key, in AgentName name) => key == Key(name);

    /// <summary>Lets <see cref="TryParse"/> read the authorities of a name. Only for names of the configuration, which bounds them.</summary>
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
