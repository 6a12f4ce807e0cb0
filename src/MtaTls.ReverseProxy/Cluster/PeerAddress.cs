using System.Diagnostics.CodeAnalysis;
using MtaTls.Agents;
using MtaTls.Protocol;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.ReverseProxy.Cluster;

/// <summary>The channel destinations that gateways use between each other. Each names exactly one registration, so that a refusal means that this registration is gone.</summary>
internal static class PeerAddress
{
    /// <summary>The registration does not exist, and never will again, because ids are not used twice.</summary>
    public const string Unknown = "unknown-agent";

    /// <summary>The agent takes no new connections.</summary>
    public const string Draining = "draining-agent";

    /// <summary>The agent has reached its limit of channels.</summary>
    public const string Limit = "agent-limit";

    /// <summary>The agent has refused the channel, or has not answered.</summary>
    public const string Unavailable = "agent-unavailable";

    /// <summary>The refusal with which a gateway answers <see cref="Leaving"/>.</summary>
    public const string Left = "left";

    private const string LeavingLabel = "leaving";

    /// <summary>The destination of a channel to an agent.</summary>
    public static ChannelAddress Of(string registration, in AgentName name) => new(AgentAuthority.Of(registration, name), name.Port);

    /// <summary>The destination that announces that an agent is leaving. The other gateway answers when it has no request to the agent under way.</summary>
    public static ChannelAddress Leaving(string registration) => new($"{registration}.{LeavingLabel}{AgentAuthority.Suffix}", 0);

    /// <summary>Finds the registration and the name that a destination stands for.</summary>
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

    /// <summary>Parses a destination made by <see cref="Leaving"/>.</summary>
    public static bool TryParseLeaving(ChannelAddress destination, out string registration) => AgentAuthority.TrySplit(destination.Host, out registration, out string key) && key == LeavingLabel;
}
