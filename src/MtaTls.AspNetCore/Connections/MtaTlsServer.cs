using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Endpoints;
using MtaTls.AspNetCore.Routing;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Connections;

/// <summary>What all MTA-TLS endpoints of the server share.</summary>
internal sealed class MtaTlsServer(IOptions<MtaTlsOptions> options, IMtaTlsChannelRouter router, MtaTlsMetrics metrics, LimitReports limits, IServer host, ILoggerFactory loggers, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly List<ListenOptions> _endpoints = [];

    public MtaTlsOptions Options { get; } = options.Value;

    public MtaTlsLimits Limits => Options.Limits;

    public MtaTlsReceiveBudget ReceiveBudget => Addresses.ServerBudget;

    /// <summary>What the buffers of all sessions may hold to be sent.</summary>
    public MtaTlsSendBudget SendBudget => Addresses.ServerSendBudget;

    /// <summary>Handshakes that are under way.</summary>
    public CountLimit Handshakes { get; } = new(options.Value.Limits.MaxHandshakes);

    /// <summary>Sessions, from the ClientHello that asks for one on.</summary>
    public CountLimit Sessions { get; } = new(options.Value.Limits.MaxSessions);

    /// <summary>What each client address has of all this.</summary>
    public ClientAddresses Addresses { get; } = new(options.Value.Limits);

    public LimitReports LimitReports => limits;

    public IMtaTlsChannelRouter Router => router;

    public MtaTlsMetrics Metrics => metrics;

    public TimeProvider Time => time;

    public ILogger EndpointLog { get; } = loggers.CreateLogger(LogCategories.Endpoints);

    public ILogger SessionLog { get; } = loggers.CreateLogger(LogCategories.Sessions);

    public ILogger ChannelLog { get; } = loggers.CreateLogger(LogCategories.Channels);

    /// <summary>How many endpoints speak MTA-TLS; those that a change of the configuration has ended no longer count.</summary>
    public int Endpoints
    {
        get
        {
            lock (_lock)
            {
                return _endpoints.Count(IsBound);
            }
        }
    }

    public void EndpointBound(ListenOptions endpoint, EndpointSettings settings)
    {
        lock (_lock)
        {
            _endpoints.RemoveAll(e => !IsBound(e));
            _endpoints.Add(endpoint);
        }

        EndpointLog.EndpointBound(endpoint.ToString() ?? "", settings.Name ?? "none", settings.Mode);
    }

    // Kestrel says nothing when it ends an endpoint; but its addresses are those that it listens on.
    private bool IsBound(ListenOptions endpoint) => host.Features.Get<IServerAddressesFeature>()?.Addresses.Contains(endpoint.ToString() ?? "") == true;
}
