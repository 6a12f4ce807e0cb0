using System.Diagnostics.Metrics;
using MtaTls.AspNetCore.Routing;

namespace MtaTls.AspNetCore.Diagnostics;

/// <summary>The metrics of channel routing, in the meter <c>MtaTls.AspNetCore</c>.</summary>
internal sealed class RoutingMetrics
{
    private readonly Counter<long> _routed;
    private readonly Counter<long> _connectFailures;
    private readonly UpDownCounter<long> _tcpConnections;
    private readonly Counter<long> _misdirected;

    public RoutingMetrics(IMeterFactory meters)
    {
        Meter meter = MtaTlsMetrics.CreateMeter(meters);
        _routed = meter.CreateCounter<long>("mtatls.server.channels.routed", "{channel}", "Routed channels, by route and action.");
        _connectFailures = meter.CreateCounter<long>("mtatls.server.tcp.connect_failures", "{channel}", "Channels of Tcp routes that could not be connected to their destination.");
        _tcpConnections = meter.CreateUpDownCounter<long>("mtatls.server.tcp.active_connections", "{connection}", "TCP connections to destinations of channels, including those being opened.");
        _misdirected = meter.CreateCounter<long>("mtatls.server.requests.misdirected", "{request}", "Requests answered with 421 because they named another host than the destination of their channel.");
    }

    /// <param name="route">The route's name; null if none matched.</param>
    /// <param name="action">Where the channel goes.</param>
    public void Routed(string? route, ChannelRouteAction action) =>
        _routed.Add(1, new KeyValuePair<string, object?>("mtatls.route", route ?? "(none)"), new("mtatls.action", action switch { ChannelRouteAction.Tcp => "tcp", ChannelRouteAction.Agent => "agent", ChannelRouteAction.Reject => "reject", _ => "http" }));

    public void ConnectFailed(string route, string reason) =>
        _connectFailures.Add(1, new KeyValuePair<string, object?>("mtatls.route", route), new("error.type", reason));

    public void TcpConnectionStarted() => _tcpConnections.Add(1);

    public void TcpConnectionEnded() => _tcpConnections.Add(-1);

    public void RequestMisdirected() => _misdirected.Add(1);
}
