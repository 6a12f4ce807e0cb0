using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections.Features;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Server;

/// <summary>What is left of a session when its peer has gone or says nothing more.</summary>
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
    public async Task A_peer_that_does_not_answer_close_notify_does_not_hold_the_servers_stop()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), o => o.Limits.CloseTimeout = TimeSpan.FromMinutes(10));
        // Nobody reads this client's session: close_notify stays unanswered, and the connection open.
        await using RawClient client = await RawClient.HandshakeAsync(app.Port);
        await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(static r => r.Id.Name == "SessionStarted"));
        using CancellationTokenSource hang = new(Wait.Timeout);
        await app.App.StopAsync(hang.Token);
        Assert.False(hang.IsCancellationRequested);
    }

    // A process that hangs keeps its TCP connection, and confirms nothing.
    [Fact]
    public async Task A_peer_that_confirms_no_close_does_not_hold_the_servers_stop_for_CloseTimeout()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), o => o.Limits.CloseTimeout = TimeSpan.FromMinutes(10));
        await using RawClient client = await RawClient.HandshakeAsync(app.Port);
        // An open by hand (section 2.1.1), and nothing is read or sent after it: the server closes the channel and hears no more of it.
        new RawPackets(client.Tls).WriteOpen(7);
        await client.Tls.FlushAsync();
        await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(static r => r.Id.Name == "ChannelOpened"));
        using CancellationTokenSource hang = new(Wait.Timeout);
        await app.App.StopAsync(hang.Token);
        Assert.False(hang.IsCancellationRequested);
        Assert.Contains(app.Logs.GetSnapshot(), static r => r.Id.Name == "SessionEnded");
    }

    // The same input must choose the same certificate, whichever engine serves the connection.
    [Theory]
    [InlineData("LocalHost")]
    [InlineData("xn--bcher-kva.test")]
    [InlineData("XN--Bcher-kva.Test")]
    [InlineData("xn--0.test")]
    [InlineData("a_b.test")]
    [InlineData("127.0.0.1")]
    public async Task A_certificate_selector_sees_of_a_session_what_it_sees_of_ordinary_HTTPS(string name)
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

        // The same engine without the offer: what is sent is the same, to the last letter.
        await using (RawClient client = await RawClient.HandshakeAsync(
            app.Port, o => (o.TargetHost, o.OfferDataMultiplexing, o.RemoteCertificateValidationCallback) = (name, false, static (_, _, _, _) => true)))
        {
            Assert.False(client.Tls.DataMultiplexingNegotiated);
        }

        Assert.Equal(2, seen.Count);
        Assert.Equal(seen[1], seen[0]);
    }
}
