using Microsoft.Extensions.Logging;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Client;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.EndToEnd;

/// <summary>Each Access Report takes a stream of the connection: there must always be another.</summary>
public sealed class AccessReportTests
{
    // More than a connection's streams are by default (4,096).
    private const int Reports = 5_000;

    [Fact]
    public async Task Reports_never_exhaust_a_connections_streams()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using RawPeer peer = await RawPeer.ConnectAsync(host.EndPoint);
        byte[] id = await peer.NewSessionAsync();
        await using RawPeer other = await RawPeer.ConnectAsync(host.EndPoint);
        Assert.Equal("", await other.JoinAsync(id));
        other.Send("00022001"); // This connection is on network 2,
        peer.Send("00021001"); // and this on network 1.
        for (int i = 0; i < Reports; i++)
        {
            while (true)
            {
                try
                {
                    peer.Send(i % 2 == 0 ? "00022002" : "00022001");
                    break;
                }
                catch (InvalidOperationException)
                {
                    await Task.Delay(1, TestContext.Current.CancellationToken); // So many wait already.
                }
            }
        }

        // The last of them counts as the first did.
        await Wait.UntilAsync(() => host.Sessions.List()[0].Paths.All(static path => path.State != TunnelPathState.Unavailable), "the last reports did not count");
        peer.Send("00022002");
        await Wait.UntilAsync(() => host.Sessions.List()[0].Paths.Any(static path => path.State == TunnelPathState.Unavailable), "a report after so many did not count");
        Assert.True(peer.Connection.IsConnected);
    }

    [Fact]
    public async Task A_report_that_cannot_be_sent_is_a_warning()
    {
        var logs = new RecordingLoggerProvider();
        using ILoggerFactory factory = new LoggerFactory([logs]);
        var options = new QuicTunnelClientOptions { Host = "concentrator.example" };
        options.Interface.Kind = TunnelInterfaceKind.InMemory;
        await using var tunnel = new ClientTunnel(options, factory, TimeProvider.System, new SystemNetworkMonitor());
        var connection = new FakeConnection { RefusesStreams = true };
        Assert.False(tunnel.TrySendReport(connection, [0, 2, 0x10, 1]));
        Assert.Contains(logs.Entries, static entry => entry is { Level: LogLevel.Warning, Event: "AccessReportNotSent" });
        connection.RefusesStreams = false;
        Assert.True(tunnel.TrySendReport(connection, [0, 2, 0x10, 1]));
    }
}
