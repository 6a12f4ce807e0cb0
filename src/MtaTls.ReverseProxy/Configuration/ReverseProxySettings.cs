using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Configuration;
using MtaTls.AspNetCore.Routing;
using MtaTls.Configuration;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Forwarder;

namespace MtaTls.ReverseProxy.Configuration;

/// <summary>The destination table and the trusted peers that are in force now.</summary>
internal sealed class ReverseProxySettings(IConfiguration configuration, IOptionsFactory<MtaTlsReverseProxyOptions> options, ILogger<ReverseProxySettings> logger) : IDisposable
{
    // Read with the first request: when the application is put together, its server has not yet reported all that is wrong with the section.
    private readonly Lazy<ReloadableOptions<MtaTlsReverseProxyOptions, State>> _options = new(() => new(configuration, options, o => State.Read(o, []), logger));

    public State Current => _options.Value.Current;

    public void Dispose()
    {
        if (_options.IsValueCreated)
        {
            _options.Value.Dispose();
        }
    }

    internal sealed record State(DestinationTable Destinations, IReadOnlyList<TrustedPeer> TrustedPeers, AgentRules Agents, MtaTlsClientCertificateHeadersOptions ClientCertificateHeaders, string Node)
    {
        public static State Read(MtaTlsReverseProxyOptions options, List<string> errors)
        {
            var destinations = new DestinationTable(options.Destinations, $"{MtaTlsSettings.SectionName}:{nameof(MtaTlsReverseProxyOptions.Destinations)}", errors);
            TrustedPeer[] peers = options.TrustedPeers
                .Select((peer, i) => new TrustedPeer(peer, $"{MtaTlsSettings.SectionName}:{nameof(MtaTlsReverseProxyOptions.TrustedPeers)}:{i}", errors))
                .ToArray();
            return new State(destinations, peers, new AgentRules(options.Agents, errors), options.ClientCertificateHeaders, ClusterPlan.NodeOf(options));
        }
    }
}
