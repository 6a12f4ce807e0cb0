using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Hosting;
using MtaTls.AspNetCore;
using MtaTls.FunctionalTests.Liveness;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Server;

/// <summary>The end of a session whose peer has disconnected or no longer answers.</summary>
public sealed class SessionEndTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_application_that_ignores_its_abort_keeps_no_socket(bool kestrelsTransport)
    {
        TaskCompletionSource began = new(), finish = new();
        Socket? socket = null;
        await using TestApp app = await TestApp.StartAsync(
            a => a.MapGet("/", async () =>
            {
                began.SetResult();
                await finish.Task;
                return "late";
            }),
            listen: e => e.Use(next => connection =>
            {
                socket = connection.Features.Get<IConnectionSocketFeature>()?.Socket;
                if (kestrelsTransport)
                {
                    _ = connection.Transport;
                }

                return next(connection);
            }));
        RawClient client = await RawClient.ConnectAsync(app.Port);
        HttpChannel channel = await client.OpenAsync();
        await channel.SendAsync("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
        await began.Task.Soon();
        client.Reset();
        await Wait.UntilAsync(() => socket!.SafeHandle.IsClosed);
        finish.SetResult();
        await client.DisposeAsync();
    }

    [Fact]
    public async Task A_peer_that_does_not_answer_close_notify_does_not_delay_the_servers_stop()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), o => o.Limits.CloseTimeout = TimeSpan.FromMinutes(10));
        // The client does not read its session, so close_notify gets no answer and the connection stays open.
        await using RawClient client = await RawClient.HandshakeAsync(app.Port);
        await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(static r => r.Id.Name == "SessionStarted"));
        using CancellationTokenSource hang = new(Wait.Timeout);
        await app.App.StopAsync(hang.Token);
        Assert.False(hang.IsCancellationRequested);
    }

    // A process that hangs keeps its TCP connection and confirms no close.
    [Fact]
    public async Task A_peer_that_confirms_no_close_does_not_delay_the_servers_stop_for_CloseTimeout()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), o => o.Limits.CloseTimeout = TimeSpan.FromMinutes(10));
        await using RawClient client = await RawClient.HandshakeAsync(app.Port);
        // An open (section 2.1.1) is written, and then nothing is read or sent: the server closes the channel and gets no confirmation.
        new RawPackets(client.Tls).WriteOpen(7);
        await client.Tls.FlushAsync();
        await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(static r => r.Id.Name == "ChannelOpened"));
        using CancellationTokenSource hang = new(Wait.Timeout);
        await app.App.StopAsync(hang.Token);
        Assert.False(hang.IsCancellationRequested);
        Assert.Contains(app.Logs.GetSnapshot(), static r => r.Id.Name == "SessionEnded");
    }

    [Fact]
    public async Task A_channel_that_the_server_has_opened_lasts_until_the_application_closes_it_while_the_server_stops()
    {
        await using TestApp app = await TestApp.StartAsync(
            static a => a.MapGet("/", () => "hello"), o => o.Limits.CloseTimeout = TimeSpan.FromMinutes(10),
            configure: static builder =>
            {
                builder.Services.Configure<HostOptions>(static o => o.ShutdownTimeout = TimeSpan.FromHours(1));
                // The time for confirmations is over as soon as it begins.
                builder.Services.AddSingleton<TimeProvider>(new HastyTime(TimeSpan.FromSeconds(5)));
            });
        await using RawClient client = await RawClient.HandshakeAsync(app.Port);
        RawPackets packets = new(client.Tls);
        IMtaTlsSessions sessions = app.Services.GetRequiredService<IMtaTlsSessions>();
        await Wait.UntilAsync(() => sessions.List().Count == 1);
        ValueTask<MtaTlsChannel> opening = sessions.List()[0].OpenChannelAsync(new ChannelAddress("server.test", 1), new ChannelAddress("client.test", 2));
        packets.WriteSuccess(ChannelEstablishmentRequest.Read(await BodyAsync(PacketType.ChannelEstablishmentRequest)).SenderChannelId, 7);
        await client.Tls.FlushAsync();
        MtaTlsChannel channel = await opening.Soon();
        Task stopped = app.App.StopAsync();
        await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(static r => r.Id.Name == "SessionShutdown"));
        for (int i = 0; i < 3; i++)
        {
            await channel.Output.WriteAsync("late"u8.ToArray());
            await BodyAsync(PacketType.Plaintext);
            packets.WriteData(channel.Id, "late"u8);
            await client.Tls.FlushAsync();
            System.IO.Pipelines.ReadResult read = await channel.Input.ReadAtLeastAsync(4).Soon();
            Assert.Equal(4, read.Buffer.Length);
            channel.Input.AdvanceTo(read.Buffer.End);
        }

        Assert.False(stopped.IsCompleted);
        await channel.DisposeAsync();
        // The client does not confirm the close.
        await packets.ReadCloseAsync();
        await stopped.Soon();

        async Task<byte[]> BodyAsync(PacketType wanted)
        {
            while (true)
            {
                (PacketType type, byte[] body) = await packets.ReadAsync() ?? throw new EndOfStreamException();
                if (type == wanted)
                {
                    return body;
                }
            }
        }
    }

    // The same input must choose the same certificate, whichever engine serves the connection.
    [Theory]
    [InlineData("LocalHost")]
    [InlineData("xn--bcher-kva.test")]
    [InlineData("XN--Bcher-kva.Test")]
    [InlineData("xn--0.test")]
    [InlineData("a_b.test")]
    [InlineData("127.0.0.1")]
    public async Task A_certificate_selector_gets_the_same_input_for_sessions_and_ordinary_HTTPS(string name)
    {
        List<string?> seen = [];
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), https: o =>
        {
            o.ServerCertificate = null;
            o.ServerCertificateSelector = (_, host) =>
            {
                lock (seen)
                {
                    seen.Add(host);
                }

                return TestCertificates.Server;
            };
        });
        await using (RawClient client = await RawClient.HandshakeAsync(app.Port, o => (o.TargetHost, o.RemoteCertificateValidationCallback) = (name, static (_, _, _, _) => true)))
        {
            Assert.True(client.Tls.DataMultiplexingNegotiated);
        }

        // The same engine without the offer sends exactly the same data.
        await using (RawClient client = await RawClient.HandshakeAsync(
            app.Port, o => (o.TargetHost, o.OfferDataMultiplexing, o.RemoteCertificateValidationCallback) = (name, false, static (_, _, _, _) => true)))
        {
            Assert.False(client.Tls.DataMultiplexingNegotiated);
        }

        Assert.Equal(2, seen.Count);
        Assert.Equal(seen[1], seen[0]);
    }
}
