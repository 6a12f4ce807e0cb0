using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Liveness;

/// <summary>Servers whose packets the test writes one by one. Pings do not harm servers that refuse or accept every open; the session of one that never answers ends.</summary>
public sealed class OtherServersTests
{
    private const string Ping = "ping.mta-tls.invalid";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_server_that_answers_every_open_in_the_same_way_keeps_its_session(bool accepts)
    {
        int answered = 0;
        await using RawServer server = new(async (tls, packets) =>
        {
            for (ushort id = 1; await packets.ReadAsync() is var (type, body); id++)
            {
                switch (type)
                {
                    case PacketType.ChannelEstablishmentRequest when accepts:
                        packets.WriteSuccess(RawPackets.SignalOf(body, Ping), id);
                        break;
                    case PacketType.ChannelEstablishmentRequest:
                        packets.WriteRefusal(RawPackets.SignalOf(body, Ping), "No such host is known");
                        Interlocked.Increment(ref answered);
                        break;
                    case PacketType.ChannelCloseRequest:
                        packets.WriteConfirmation(ChannelCloseRequest.Read(body).ChannelId);
                        Interlocked.Increment(ref answered);
                        break;
                    default:
                        throw new IOException($"{type} was not expected.");
                }

                await tls.FlushAsync();
            }
        });
        using MetricCollector<double> roundTrips = new(null, "MtaTls.Client", "mtatls.client.ping.duration");
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(Options(server.Port, TimeSpan.FromMinutes(1)));
        await Wait.UntilAsync(() => Volatile.Read(ref answered) >= 3);
        await Wait.UntilAsync(() => roundTrips.GetMeasurementSnapshot().Count(m => (int?)m.Tags["server.port"] == server.Port) >= 3);
        Assert.Equal((1, 1L), (client.GetStatistics().ActiveSessions, client.GetStatistics().Handshakes));
        Assert.Equal(0, client.GetStatistics().ChannelsRefused);
    }

    [Fact]
    public async Task The_session_of_a_server_that_never_answers_ends_and_the_server_is_tried_again()
    {
        await using RawServer server = new(static async (_, packets) =>
        {
            while (await packets.ReadAsync() is not null)
            {
            }
        });
        using MetricCollector<long> timeouts = new(null, "MtaTls.Client", "mtatls.client.keep_alive.timeouts");
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(Options(server.Port, TimeSpan.FromSeconds(1)));
        await Wait.UntilAsync(() => server.Connections >= 3);
        await Wait.UntilAsync(() => timeouts.GetMeasurementSnapshot().Count(m => (int?)m.Tags["server.port"] == server.Port && (string?)m.Tags["mtatls.keep_alive.method"] == "ping") >= 2);
    }

    /// <summary>A go-away to a peer that treats it as an ordinary open: whatever the answer is, channels continue.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_go_away_changes_nothing_for_a_client_that_does_not_support_it(bool accepts)
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", static () => "hello"));
        await using RawClient client = await RawClient.HandshakeAsync(app.Port);
        var packets = new RawPackets(client.Tls);
        ChannelId channel = await packets.OpenAsync(1);
        Task stopping = app.App.StopAsync();
        (PacketType type, byte[] body) = (await packets.ReadAsync())!.Value;
        Assert.Equal(PacketType.ChannelEstablishmentRequest, type);
        ushort signal = RawPackets.SignalOf(body, "go-away.mta-tls.invalid");
        if (accepts)
        {
            packets.WriteSuccess(signal, 0x4001);
        }
        else
        {
            packets.WriteRefusal(signal, "unknown");
        }

        await client.Tls.FlushAsync();

        // Ordinary packets follow: its channels are closed, and close_notify ends the session.
        HashSet<ChannelId> closed = [];
        while (await packets.ReadAsync() is var (next, closing))
        {
            Assert.Equal(PacketType.ChannelCloseRequest, next);
            ChannelId id = ChannelCloseRequest.Read(closing).ChannelId;
            closed.Add(id);
            packets.WriteConfirmation(id);
            await client.Tls.FlushAsync();
        }

        Assert.Contains(channel, closed);
        Assert.Equal(accepts, closed.Count == 2);
        await client.Tls.CompleteAsync();
        await stopping.Soon();
    }

    /// <summary>When a network comes up, the client connects at once, even if the back-off has not elapsed.</summary>
    [Fact]
    public async Task A_change_of_addresses_ends_the_back_off()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "Only root may add an address.");
        int port = FreePort.Find();
        var options = new MtaTlsClientOptions
        {
            Host = "127.0.0.1",
            Port = port,
            TargetHost = "localhost",
            CertificateChainPolicy = TestCertificates.TrustRoot(),
            KeepConnected = true,
            ShutdownTimeout = TimeSpan.FromMilliseconds(100),
        };
        (options.Reconnect.InitialDelay, options.Reconnect.MaxDelay, options.Reconnect.Jitter) = (TimeSpan.FromHours(1), TimeSpan.FromHours(1), 0);
        await using MtaTlsClient client = new(ClientSettings.From(options));
        await Assert.ThrowsAsync<SocketException>(async () => await client.OpenChannelAsync("app.test", 80));
        // During the back-off the exception has the same type.
        await Assert.ThrowsAsync<SocketException>(async () => await client.OpenChannelAsync("app.test", 80));
        await using TestApp app = await TestApp.StartBareAsync(builder =>
        {
            builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, port, static e => e.UseHttps(TestCertificates.Server)));
            builder.WebHost.UseMtaTls();
        });
        string address = $"127.{Random.Shared.Next(10, 250)}.{Random.Shared.Next(1, 250)}.{Random.Shared.Next(2, 250)}/32";
        Assert.SkipUnless((await Tool.RunAsync("ip", "", "address", "add", address, "dev", "lo")).ExitCode == 0, "No address can be added here.");
        try
        {
            MtaTlsClientChannel? channel = null;
            await Wait.UntilAsync(() =>
            {
                try
                {
                    // Fails at once during the back-off.
                    ValueTask<MtaTlsClientChannel> open = client.OpenChannelAsync("app.test", 80);
                    channel = open.AsTask().WaitAsync(Wait.Timeout).GetAwaiter().GetResult();
                    return true;
                }
                catch (SocketException)
                {
                    return false;
                }
            });
            await channel!.DisposeAsync();
        }
        finally
        {
            await Tool.RunAsync("ip", "", "address", "del", address, "dev", "lo");
        }
    }

    private static MtaTlsClientOptions Options(int port, TimeSpan timeout)
    {
        var options = new MtaTlsClientOptions
        {
            Host = "127.0.0.1",
            Port = port,
            TargetHost = "localhost",
            CertificateChainPolicy = TestCertificates.TrustRoot(),
            KeepConnected = true,
            ShutdownTimeout = TimeSpan.FromMilliseconds(100),
        };
        (options.KeepAlive.Interval, options.KeepAlive.Timeout) = (TimeSpan.FromSeconds(1), timeout);
        options.Reconnect.InitialDelay = options.Reconnect.MaxDelay = TimeSpan.FromMilliseconds(100);
        return options;
    }
}
