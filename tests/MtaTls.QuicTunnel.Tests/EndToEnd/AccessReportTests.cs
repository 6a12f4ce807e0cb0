using Microsoft.Extensions.Logging;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Client;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.EndToEnd;

/// <summary>Each Access Report uses a stream of the connection, so the peer must always allow another one.</summary>
public sealed class AccessReportTests
{
    // More than the default MaxStreams of a connection (4,096).
    private const int Reports = 5_000;

    [Fact]
    public async Task Reports_never_exhaust_a_connections_streams()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using RawPeer peer = await RawPeer.ConnectAsync(host.EndPoint);
        byte[] id = await peer.NewSessionAsync();
        await using RawPeer other = await RawPeer.ConnectAsync(host.EndPoint);
        Assert.Equal("", await other.JoinAsync(id));
        other.Send("00022001"); // This connection is on network 2.
        peer.Send("00021001"); // This connection is on network 1.
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
                    await Task.Delay(1, TestContext.Current.CancellationToken); // Too many reports wait already.
                }
            }
        }

        // The last reports still count.
        await Wait.UntilAsync(() => host.Sessions.List()[0].Paths.All(static path => path.State != TunnelPathState.Unavailable), "The last reports did not count.");
        peer.Send("00022002");
        await Wait.UntilAsync(() => host.Sessions.List()[0].Paths.Any(static path => path.State == TunnelPathState.Unavailable), "A report after so many did not count.");
        Assert.True(peer.Connection.IsConnected);
    }

    [Fact]
    public async Task A_connection_that_may_send_no_more_reports_is_replaced_and_the_session_continues()
    {
        await using TunnelHost host = await TunnelHost.StartAsync(static options => options.Sessions.MaxReports = 40);
        await using QuicTunnelClient client = await host.ConnectAsync(static options =>
        {
            options.LocalAddresses.Add("127.0.0.1");
            options.LocalAddresses.Add("127.0.0.2");
            options.AccessNetworks["127.0.0.1"] = AccessNetwork.Gpp;
            options.AccessNetworks["127.0.0.2"] = AccessNetwork.NonGpp;
        });
        string session = client.SessionName!;
        IQuicConnection first = Connection();
        byte[] available = new AccessReport(AccessNetwork.Gpp, AccessSignal.Available).Encode();
        int sent = 0;
        await Wait.UntilAsync(
            () =>
            {
                // As many as fit at a time, as long as the connection lives.
                while (first.IsConnected && first.WaitingStreams < 2)
                {
                    client.Tunnel.TrySendReport(first, available);
                    sent++;
                }

                if (sent > 30)
                {
                    client.Tunnel.TrySendReport(first, available);
                }

                return !first.IsConnected;
            },
            "The connection was not replaced.");
        Assert.True(sent >= 35, $"{sent}"); // Some waited, and others were sent before the control stream had ended.
        await Wait.UntilAsync(() => client.Paths.Count == 2 && Connection() is { IsConnected: true } && Connection() != first, "No new connection joined.");
        Assert.Equal(session, client.SessionName);
        Assert.Contains(host.Logs.Entries, static entry => entry is { Level: LogLevel.Warning, Event: "AccessReportNotSent" });
        Assert.DoesNotContain(host.Logs.Entries, static entry => entry.Level >= LogLevel.Error);
        // Reports count again.
        client.Tunnel.TrySendReport(Connection(), new AccessReport(AccessNetwork.NonGpp, AccessSignal.Unavailable).Encode());
        await Wait.UntilAsync(
            () => host.Sessions.List()[0].Paths.Any(static path => path is { Access: AccessNetwork.NonGpp, State: TunnelPathState.Unavailable }), "A report on the new connection did not count.");

        IQuicConnection Connection() => client.EnumeratePaths().Select(static entry => entry.Path.Connection).FirstOrDefault(static connection => connection.LocalEndPoint.Address.ToString() == "127.0.0.1")!;
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
