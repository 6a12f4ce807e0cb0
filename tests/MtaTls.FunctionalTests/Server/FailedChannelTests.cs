using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using MtaTls.AspNetCore;
using MtaTls.AspNetCore.Connections;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Server;

/// <summary>Draft, section 3: after a fatal error of a channel the TLS session is not resumed.</summary>
public sealed class FailedChannelTests
{
    [Fact]
    public void This_version_of_Kestrel_shows_why_it_ended_a_connection() => Assert.True(KestrelEndReason.IsAvailable);

    [Theory]
    [InlineData("throw", SslProtocols.Tls12)]
    [InlineData("throw", SslProtocols.Tls13)]
    [InlineData("abort", SslProtocols.Tls12)]
    [InlineData("abort", SslProtocols.Tls13)]
    [InlineData("h2", SslProtocols.Tls12)]
    [InlineData("h2", SslProtocols.Tls13)]
    [InlineData("handler", SslProtocols.Tls12)]
    [InlineData("handler", SslProtocols.Tls13)]
    [InlineData("connection", SslProtocols.Tls12)]
    [InlineData("connection", SslProtocols.Tls13)]
    public async Task A_session_in_which_a_channel_failed_is_not_resumed(string how, SslProtocols version)
    {
        await using TestApp app = await StartAsync();
        using TlsClientContext context = NewContext(version, how == "h2");
        await using (RawClient client = await RawClient.ConnectAsync(app.Port, context))
        {
            await using HttpChannel channel = await client.OpenAsync(how is "handler" or "connection" ? how + ".test" : "app.test");
            switch (how)
            {
                case "h2":
                    // A DATA frame on stream 0: PROTOCOL_ERROR.
                    await channel.SendAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
                    break;
                default:
                    await channel.SendAsync($"GET /{how} HTTP/1.1\r\nHost: app.test\r\n\r\n");
                    break;
            }

            await channel.ReadToEndAsync();
        }

        await using RawClient again = await RawClient.ConnectAsync(app.Port, context);
        Assert.False(again.Tls.SessionResumed);
    }

    [Theory]
    [InlineData("answered", SslProtocols.Tls12)]
    [InlineData("answered", SslProtocols.Tls13)]
    [InlineData("closed by the client", SslProtocols.Tls12)]
    [InlineData("closed by the client", SslProtocols.Tls13)]
    [InlineData("h2", SslProtocols.Tls12)]
    [InlineData("h2", SslProtocols.Tls13)]
    public async Task A_session_in_which_no_channel_failed_is_resumed(string how, SslProtocols version)
    {
        TaskCompletionSource aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestApp app = await StartAsync(aborted);
        using TlsClientContext context = NewContext(version, how == "h2");
        await using (RawClient client = await RawClient.ConnectAsync(app.Port, context))
        {
            HttpChannel channel = await client.OpenAsync();
            switch (how)
            {
                case "answered":
                    Assert.Equal("hello", (await channel.GetAsync("/")).Body);
                    break;
                case "h2":
                    // The preface, SETTINGS, and GOAWAY with NO_ERROR.
                    await channel.SendAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0\0\0\u0008\u0007\0\0\0\0\0\0\0\0\0\0\0\0\0");
                    await channel.ReadAsync(9);
                    break;
                default:
                    await channel.SendAsync("GET /waits HTTP/1.1\r\nHost: app.test\r\n\r\n");
                    await channel.ReadResponseHeadAsync();
                    await channel.DisposeAsync();
                    await aborted.Task.Soon();
                    break;
            }

            await channel.DisposeAsync();
            await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(r => r.Id.Name == "ChannelEnded"));
        }

        await using RawClient again = await RawClient.ConnectAsync(app.Port, context);
        Assert.True(again.Tls.SessionResumed);
    }

    private static TlsClientContext NewContext(SslProtocols version, bool http2) => new(new TlsClientOptions
    {
        TargetHost = "localhost",
        CertificateChainPolicy = TestCertificates.TrustRoot(),
        EnabledSslProtocols = version,
        ApplicationProtocols = { http2 ? SslApplicationProtocol.Http2 : SslApplicationProtocol.Http11 },
    });

    private static Task<TestApp> StartAsync(TaskCompletionSource? aborted = null) => TestApp.StartBareAsync(
        builder =>
        {
            builder.WebHost.UseMtaTls();
            builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, e =>
            {
                e.UseHttps(TestCertificates.Server);
                e.Use(next => async connection =>
                {
                    switch (connection.Features.Get<IMtaTlsChannelFeature>()?.Destination.Host)
                    {
                        case "handler.test":
                            throw new InvalidOperationException("broken connection handler");
                        case "connection.test":
                            connection.Abort();
                            break;
                        default:
                            await next(connection);
                            break;
                    }
                });
            }));
        },
        app =>
        {
            app.MapGet("/", () => "hello");
            app.MapGet("/throw", async (HttpContext context) =>
            {
                await context.Response.WriteAsync("began");
                await context.Response.Body.FlushAsync();
                throw new InvalidOperationException("broken handler");
            });
            app.MapGet("/abort", (HttpContext context) => context.Abort());
            app.MapGet("/waits", async (HttpContext context) =>
            {
                await context.Response.Body.FlushAsync();
                try
                {
                    await Task.Delay(Timeout.Infinite, context.RequestAborted);
                }
                catch (OperationCanceledException)
                {
                    aborted!.SetResult();
                }
            });
        });
}
