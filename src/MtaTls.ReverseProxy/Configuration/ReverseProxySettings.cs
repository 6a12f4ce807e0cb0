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

/// <summary>The current settings of this package, read again when the configuration changes.</summary>
internal sealed class ReverseProxySettings(IConfiguration configuration, IOptionsFactory<MtaTlsReverseProxyOptions> options, ILogger<ReverseProxySettings> logger) : IDisposable
{
    // Read at the first request, not earlier: the server's start reports an invalid section, with all its errors.
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
