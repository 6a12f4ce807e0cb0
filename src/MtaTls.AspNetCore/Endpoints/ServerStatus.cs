using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Routing;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Endpoints;

/// <summary>The endpoints and limits of the server, for operators.</summary>
internal sealed class ServerStatus(MtaTlsServer server, TcpForwarder tcp, IServer host) : IMtaTlsServerStatus
{
    private static readonly TimeSpan s_countInterval = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private int _mostChannels; // guarded by _lock
    private long? _countedAt;   // guarded by _lock

    public int ActiveSessions => server.Metrics.ActiveSessions;

    public int ActiveChannels => server.Metrics.ActiveChannels;

    public IReadOnlyList<MtaTlsEndpointInfo> ListEndpoints()
    {
        BoundEndpoint[] bound = server.BoundEndpoints;
        return [.. (host.Features.Get<IServerAddressesFeature>()?.Addresses ?? []).Distinct().Select(address => Describe(address, bound))];
    }

    public IReadOnlyList<MtaTlsLimitUsage> ListLimits()
    {
        MtaTlsLimits limits = server.Limits;
        List<MtaTlsLimitUsage> usage =
        [
            new(nameof(MtaTlsLimits.MaxSessions), server.Sessions.Count, limits.MaxSessions, "sessions"),
            new(nameof(MtaTlsLimits.MaxHandshakes), server.Handshakes.Count, limits.MaxHandshakes, "handshakes"),
            new(nameof(MtaTlsLimits.MaxChannels), server.Metrics.ActiveChannels, limits.MaxChannels, "channels"),
            new(nameof(MtaTlsLimits.MaxChannelsPerSession), MostChannels(), limits.MaxChannelsPerSession, "channels"),
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

    private int MostChannels()
    {
        lock (_lock)
        {
            if (_countedAt is { } counted && server.Time.GetElapsedTime(counted) < s_countInterval)
            {
                return _mostChannels;
            }

            _countedAt = server.Time.GetTimestamp();
            _mostChannels = 0;
            foreach (MtaTlsServerSession session in server.LiveSessions.Snapshot())
            {
                _mostChannels = Math.Max(_mostChannels, session.Session.ActiveChannels);
            }

            return _mostChannels;
        }
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
