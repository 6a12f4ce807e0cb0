using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;
using MtaTls.Agents;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Replaces a destination with the metadata <see cref="MtaTlsMetadata.Agent"/> by one destination for each agent. All other destinations go to the resolver that was registered before.</summary>
internal sealed class AgentDestinationResolver(IDestinationResolver? inner, AgentMembers members, AgentHealth health, IConfiguration configuration, TimeProvider time) : IDestinationResolver
{
    /// <summary>Agents come and go in bursts: all changes within this time are one change of YARP's configuration.</summary>
    private static readonly TimeSpan s_coalesced = TimeSpan.FromMilliseconds(200);

    public async ValueTask<ResolvedDestinationCollection> ResolveDestinationsAsync(IReadOnlyDictionary<string, DestinationConfig> destinations, CancellationToken cancellationToken)
    {
        Dictionary<string, DestinationConfig> others = new(StringComparer.OrdinalIgnoreCase), resolved = new(StringComparer.OrdinalIgnoreCase);
        List<(string Id, DestinationConfig Placeholder, AgentName Name)> placeholders = [];
        foreach ((string id, DestinationConfig destination) in destinations)
        {
            if (NameOf(id, destination) is { } text)
            {
                placeholders.Add((id, destination, Parse(id, destination, text)));
            }
            else
            {
                others.Add(id, destination);
            }
        }

        IChangeToken? innerChange = null;
        if (others.Count > 0 && inner is not null)
        {
            ResolvedDestinationCollection found = await inner.ResolveDestinationsAsync(others, cancellationToken);
            innerChange = found.ChangeToken;
            foreach ((string id, DestinationConfig destination) in found.Destinations)
            {
                resolved[id] = destination;
            }
        }
        else
        {
            foreach ((string id, DestinationConfig destination) in others)
            {
                resolved[id] = destination;
            }
        }

        if (placeholders.Count == 0)
        {
            return new ResolvedDestinationCollection(resolved, innerChange);
        }

        // The token listens before the members are read, so that no change is missed.
        AgentChangeToken change = new(members, [.. placeholders.Select(static p => p.Name.ToString())], s_coalesced, time);
        foreach ((string id, DestinationConfig placeholder, AgentName name) in placeholders)
        {
            AgentAuthority.Remember(name);
            health.Use(name);
            await members.LoadAsync(name.ToString(), isKept: true, cancellationToken);
            Add(resolved, id, placeholder, name, members.Find(name.ToString()));
        }

        return new ResolvedDestinationCollection(resolved, innerChange is null ? change : new CompositeChangeToken([change, innerChange]));
    }

    private static void Add(Dictionary<string, DestinationConfig> resolved, string id, DestinationConfig placeholder, AgentName name, IReadOnlyList<AgentMember> members)
    {
        Dictionary<string, string> metadata = new(placeholder.Metadata ?? new Dictionary<string, string>(), StringComparer.OrdinalIgnoreCase) { [MtaTlsMetadata.Agent] = name.ToString() };
        metadata.Remove("MtaTls");
        if (members.Count == 0)
        {
            resolved[id] = Destination(AgentAuthority.Waiting(name));
            return;
        }

        // YARP's load balancing knows no weights, so an agent with twice the weight becomes two destinations.
        int divisor = members.Select(static m => m.Weight).Aggregate(Gcd);
        foreach (AgentMember member in members)
        {
            for (int i = 0; i < member.Weight / divisor; i++)
            {
                resolved[$"{id}/{member.Agent}/{member.Id}{(i == 0 ? "" : $"/{i}")}"] = Destination(AgentAuthority.Of(member.Id, name));
            }
        }

        DestinationConfig Destination(string authority) => placeholder with
        {
            Address = new UriBuilder(placeholder.Address) { Scheme = Uri.UriSchemeHttp, Host = authority, Port = 80 }.Uri.ToString(),
            Host = string.IsNullOrEmpty(placeholder.Host) ? name.ToString() : placeholder.Host,
            Metadata = metadata,
        };
    }

    private static int Gcd(int a, int b) => b == 0 ? a : Gcd(b, a % b);

    private static AgentName Parse(string id, DestinationConfig destination, string text)
    {
        if (!AgentProtocol.TryParseName(text, out AgentName name))
        {
            throw new InvalidOperationException($"Destination '{id}': metadata {MtaTlsMetadata.Agent}: '{text}' is not a name such as plant7.internal or plant7.internal:8080.");
        }

        return destination.Address?.StartsWith("http://", StringComparison.OrdinalIgnoreCase) == true
            ? name
            : throw new InvalidOperationException($"Destination '{id}': '{destination.Address}' must begin with http://. The channel to an agent is already inside TLS.");
    }

    /// <summary>
    /// The agents' name; null if the destination does not stand for agents. A colon separates keys in .NET's configuration, so YARP reads "MtaTls:Agent" as a key "MtaTls" without a value.
    /// </summary>
    private string? NameOf(string id, DestinationConfig destination)
    {
        if (destination.Metadata?.TryGetValue(MtaTlsMetadata.Agent, out string? name) == true)
        {
            return name;
        }

        if (destination.Metadata?.TryGetValue("MtaTls", out string? lost) != true || lost is not null)
        {
            return null;
        }

        string end = $":Destinations:{id}:Metadata:{MtaTlsMetadata.Agent}";
        string? found = null;
        foreach ((string key, string? value) in configuration.AsEnumerable())
        {
            if (value is null || !(":" + key).EndsWith(end, StringComparison.OrdinalIgnoreCase) || configuration[$"{key[..^$":Metadata:{MtaTlsMetadata.Agent}".Length]}:Address"] != destination.Address)
            {
                continue;
            }

            if (found is not null && found != value)
            {
                throw new InvalidOperationException($"Two destinations '{id}' with the address {destination.Address} have the names '{found}' and '{value}' in their metadata {MtaTlsMetadata.Agent}. Give them different addresses.");
            }

            found = value;
        }

        return found;
    }
}
