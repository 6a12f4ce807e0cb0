using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Routing;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Endpoints;

/// <summary>The server as operators see it.</summary>
internal sealed class ServerStatus(MtaTlsServer server, TcpForwarder tcp, IServer host) : IMtaTlsServerStatus
{
    public IReadOnlyList<MtaTlsEndpointInfo> ListEndpoints()
    {
        BoundEndpoint[] bound = server.BoundEndpoints;
        return [.. (host.Features.Get<IServerAddressesFeature>()?.Addresses ?? []).Distinct().Select(address => Describe(address, bound))];
    }

    public IReadOnlyList<MtaTlsLimitUsage> ListLimits()
    {
        MtaTlsLimits limits = server.Limits;
        int channels = 0;
        foreach (MtaTlsServerSession session in server.LiveSessions.Snapshot())
        {
            channels = Math.Max(channels, session.Session.ActiveChannels);
        }

        List<MtaTlsLimitUsage> usage =
        [
            new(nameof(MtaTlsLimits.MaxSessions), server.Sessions.Count, limits.MaxSessions, "sessions"),
            new(nameof(MtaTlsLimits.MaxHandshakes), server.Handshakes.Count, limits.MaxHandshakes, "handshakes"),
            new(nameof(MtaTlsLimits.MaxChannels), server.Metrics.ActiveChannels, limits.MaxChannels, "channels"),
            new(nameof(MtaTlsLimits.MaxChannelsPerSession), channels, limits.MaxChannelsPerSession, "channels"),
            new(nameof(MtaTlsLimits.ServerReceiveBudget), server.ReceiveBudget.Reserved, server.ReceiveBudget.Size, "bytes"),
            new(nameof(MtaTlsLimits.ServerSendBudget), server.SendBudget.Used, server.SendBudget.Size, "bytes"),
            new($"Tcp:{nameof(MtaTlsTcpOptions.MaxConnections)}", tcp.Connections, server.Options.Tcp.MaxConnections, "connections"),
        ];
        if (limits.MaxSessionsPerAddress > 0)
        {
            usage.Add(new(nameof(MtaTlsLimits.MaxSessionsPerAddress), server.Addresses.MostConnections, limits.MaxSessionsPerAddress, "sessions"));
        }

        return usage;
    }

    private MtaTlsEndpointInfo Describe(string address, BoundEndpoint[] bound)
    {
        foreach (BoundEndpoint endpoint in bound)
        {
            if (endpoint.Endpoint.ToString() == address)
            {
                EndpointSettings settings = endpoint.Settings;
                X509Certificate2? certificate = settings.Certificate?.Current.Certificate ?? (settings.Https.ServerCertificateSelector is null ? settings.Https.ServerCertificate : null);
                return new MtaTlsEndpointInfo(address, settings.Name, settings.Mode, null, certificate);
            }
        }

        return new MtaTlsEndpointInfo(address, null, DataMultiplexingMode.Disabled, server.Obstacle(address) ?? Reason(address), null);
    }

    private string Reason(string address)
        => !address.StartsWith("https://", StringComparison.OrdinalIgnoreCase) ? "It does not use HTTPS."
            : server.Options.Endpoints.Count > 0 ? "MtaTls:Endpoints names the endpoints that speak MTA-TLS, and it is not among them."
            : "MTA-TLS is disabled for it (Mode).";
}
