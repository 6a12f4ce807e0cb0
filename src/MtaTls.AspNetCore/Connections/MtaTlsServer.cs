using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Endpoints;
using MtaTls.AspNetCore.Routing;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Connections;

/// <summary>What all MTA-TLS endpoints of the server share.</summary>
internal sealed class MtaTlsServer(IOptions<MtaTlsOptions> options, IMtaTlsChannelRouter router, MtaTlsMetrics metrics, ILoggerFactory loggers, TimeProvider time)
{
    private int _endpoints;

    public MtaTlsOptions Options { get; } = options.Value;

    public MtaTlsLimits Limits => Options.Limits;

    public MtaTlsReceiveBudget ReceiveBudget { get; } = new(options.Value.Limits.ServerReceiveBudget);

    /// <summary>Handshakes that are under way.</summary>
    public CountLimit Handshakes { get; } = new(options.Value.Limits.MaxHandshakes);

    /// <summary>Sessions, from the ClientHello that asks for one on.</summary>
    public CountLimit Sessions { get; } = new(options.Value.Limits.MaxSessions);

    public IMtaTlsChannelRouter Router => router;

    public MtaTlsMetrics Metrics => metrics;

    public TimeProvider Time => time;

    public ILogger EndpointLog { get; } = loggers.CreateLogger(LogCategories.Endpoints);

    public ILogger SessionLog { get; } = loggers.CreateLogger(LogCategories.Sessions);

    public ILogger ChannelLog { get; } = loggers.CreateLogger(LogCategories.Channels);

    /// <summary>How many endpoints speak MTA-TLS.</summary>
    public int Endpoints => Volatile.Read(ref _endpoints);

    public void EndpointBound(ListenOptions endpoint, EndpointSettings settings)
    {
        Interlocked.Increment(ref _endpoints);
        EndpointLog.EndpointBound(endpoint.ToString() ?? "", settings.Name, settings.Mode);
    }
}
