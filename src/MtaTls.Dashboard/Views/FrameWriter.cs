using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore;
using MtaTls.Dashboard.Events;
using MtaTls.Dashboard.Inspector;
using MtaTls.Dashboard.Sampling;
using MtaTls.QuicTunnel;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.Dashboard.Views;

/// <summary>Makes a viewer's frame from a sample. The page shows which views are not available in the application.</summary>
internal sealed class FrameWriter(IServiceProvider services, MeterReader meters, Sampler sampler, EventRing events, RequestRing requests, IOptions<MtaTlsDashboardOptions> options, TimeProvider time)
{
    private readonly IMtaTlsSessions? _sessions = services.GetService<IMtaTlsSessions>();
    private readonly IMtaTlsServerStatus? _status = services.GetService<IMtaTlsServerStatus>();
    private readonly IMtaTlsAgents? _agents = services.GetService<IMtaTlsAgents>();
    private readonly ITunnelSessions? _tunnels = services.GetService<ITunnelSessions>();
    private readonly string _version = LibraryVersion.Value;

    /// <param name="query">The view that the viewer asks for.</param>
    /// <param name="sample">The sample.</param>
    /// <param name="canAct">Whether the viewer may act.</param>
    /// <param name="points">All points of the charts, for the first frame of a stream; null: only the newest.</param>
    public Frame Write(ViewQuery query, Sample sample, bool canAct, IReadOnlyList<Point>? points)
    {
        Frame frame = new(query.View, sample.Time, sample.Since, Dns.GetHostName(), _version, sampler.Viewers, canAct, sample.Now);
        return query.View switch
        {
            "sessions" => frame with { Sessions = SessionViews.Sessions(_sessions is not null, sample, query) },
            "channels" => frame with { Channels = SessionViews.Channels(_sessions, sample, query) },
            "agents" => frame with { Agents = AgentViews.Agents(_agents, meters, query) },
            "tunnels" => frame with { Tunnels = TunnelViews.Tunnels(_tunnels, services, meters, query) },
            "endpoints" => frame with { Endpoints = Endpoints() },
            "limits" => frame with { Limits = Limits() },
            "events" => frame with { Events = new EventsView(options.Value.MaxEvents, events.Find(query.Filter, query.Level, ViewQuery.MaxSize)) },
            "requests" => frame with { Requests = new RequestsView(options.Value.Inspector.Enabled, options.Value.Inspector.MaxRequests, requests.List(query.Filter, ViewQuery.MaxSize)) },
            _ => frame with
            {
                Overview = new OverviewView(
                    points ?? [sample.Now], meters.List(MeterReader.LimitsExceeded), [.. meters.List(MeterReader.Handshakes).Where(static c => c.Name.Length > 0)], meters.List(MeterReader.SessionEnds),
                    meters.Sum(MeterReader.WindowStalls)),
            },
        };
    }

    private EndpointsView Endpoints()
    {
        DateTimeOffset now = time.GetUtcNow();
        return new EndpointsView(_status is not null, [.. (_status?.ListEndpoints() ?? []).Select(e => new EndpointRow(
            e.Address, e.Name, e.Mode.ToString(), e.Obstacle,
            e.Certificate is { } c ? new CertificateRow(PeerText.Of(c.Subject), PeerText.Of(c.Issuer), c.Thumbprint, c.NotAfter, (c.NotAfter - now).TotalDays) : null))]);
    }

    private LimitsView Limits()
        => new(
            _status is not null,
            [.. (_status?.ListLimits() ?? []).Select(static l => new LimitRow(l.Name, l.Used, l.Limit, l.Unit)).OrderByDescending(static l => (double)l.Used / Math.Max(1, l.Limit)).ThenBy(static l => l.Name, StringComparer.Ordinal)],
            meters.List(MeterReader.LimitsExceeded));
}
