using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.EndToEnd;

public sealed class MetricsTests
{
    [Fact]
    public async Task The_meter_reports_sessions_paths_packets_drops_and_round_trip_times()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        IMeterFactory factory = host.Services.GetRequiredService<IMeterFactory>();
        using var sessions = new MetricCollector<int>(factory, TunnelMetrics.MeterName, "mtatls.quic_tunnel.sessions");
        using var paths = new MetricCollector<int>(factory, TunnelMetrics.MeterName, "mtatls.quic_tunnel.paths");
        using var rtt = new MetricCollector<double>(factory, TunnelMetrics.MeterName, "mtatls.quic_tunnel.path.rtt");
        using var packets = new MetricCollector<long>(factory, TunnelMetrics.MeterName, "mtatls.quic_tunnel.packets");
        using var io = new MetricCollector<long>(factory, TunnelMetrics.MeterName, "mtatls.quic_tunnel.io");
        using var drops = new MetricCollector<long>(factory, TunnelMetrics.MeterName, "mtatls.quic_tunnel.dropped_packets");
        await using RawPeer peer = await RawPeer.ConnectAsync(host.EndPoint);
        byte[] id = await peer.NewSessionAsync();
        await using RawPeer second = await RawPeer.ConnectAsync(host.EndPoint);
        await second.JoinAsync(id);
        byte[] packet = IpPackets.Udp("10.99.0.2", "10.99.0.1", 100);
        peer.SendPacket(0, packet);
        await host.Packets.ReceiveAsync();
        peer.SendPacket(1, IpPackets.Udp("10.99.0.9", "10.99.0.1", 100));
        await Wait.UntilAsync(() => host.Concentrator.Counters.GetDropped(DropReason.SpoofedSource) == 1, "not dropped");
        host.Packets.TrySend(IpPackets.Udp("10.99.0.1", "10.99.0.2", 50));

        Assert.Equal(1, Last(sessions));
        Assert.Equal(2, Last(paths));
        rtt.RecordObservableInstruments();
        Assert.All(rtt.GetMeasurementSnapshot(), measurement => Assert.InRange(measurement.Value, 1e-6, 10));
        Assert.Equal(2, Last(packets, ("direction", "receive")));
        Assert.Equal(1, Last(packets, ("direction", "transmit")));
        Assert.Equal(2 * packet.Length, Last(io, ("direction", "receive")));
        Assert.Equal(1, Last(drops, ("reason", "spoofed_source")));
        Assert.Equal(0, Last(drops, ("reason", "client_to_client")));
    }

    private static T Last<T>(MetricCollector<T> collector, params (string Key, object? Value)[] tags) where T : struct
    {
        collector.RecordObservableInstruments();
        return collector.GetMeasurementSnapshot().Last(measurement => tags.All(tag => Equals(measurement.Tags.GetValueOrDefault(tag.Key), tag.Value))).Value;
    }
}
