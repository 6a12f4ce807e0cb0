using System.Diagnostics.CodeAnalysis;
using MtaTls.Agents;
using MtaTls.Protocol;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.ReverseProxy.Cluster;

/// <summary>What gateways ask each other for: the destinations of their channels. They name one registration exactly, so that a refusal says of that one that it is gone.</summary>
internal static class PeerAddress
{
    /// <summary>The registration is not known: it never will be again, for ids are not used twice.</summary>
    public const string Unknown = "unknown-agent";

    /// <summary>The agent takes no new connections.</summary>
    public const string Draining = "draining-agent";

    /// <summary>The agent has no room for another channel.</summary>
    public const string Limit = "agent-limit";

    /// <summary>The agent has refused, or not answered.</summary>
    public const string Unavailable = "agent-unavailable";

    /// <summary>How a gateway answers <see cref="Leaving"/>.</summary>
    public const string Left = "left";

    private const string LeavingLabel = "leaving";

    /// <summary>Asks for a channel to an agent.</summary>
    public static ChannelAddress Of(string registration, in AgentName name) => new(AgentAuthority.Of(registration, name), name.Port);

    /// <summary>Says that an agent is leaving; the answer comes when nothing is on its way to it any more.</summary>
    public static ChannelAddress Leaving(string registration) => new($"{registration}.{LeavingLabel}{AgentAuthority.Suffix}", 0);

    /// <summary>Finds the registration and the name that a channel is for.</summary>
    public static bool TryFind(AgentRegistry registry, ChannelAddress destination, [NotNullWhen(true)] out AgentRegistration? registration, out AgentName name)
    {
        (registration, name) = (null, default);
        if (!AgentAuthority.TrySplit(destination.Host, out string id, out string key) || registry.Find(id) is not { } found)
        {
            return false;
        }

        foreach (AgentName own in found.Names)
        {
            if (own.Port == destination.Port && AgentAuthority.IsKey(key, own))
            {
                (registration, name) = (found, own);
                return true;
            }
        }

        return false;
    }

    /// <summary>Reads <see cref="Leaving"/>.</summary>
    public static bool TryParseLeaving(ChannelAddress destination, out string registration) => AgentAuthority.TrySplit(destination.Host, out registration, out string key) && key == LeavingLabel;
}
