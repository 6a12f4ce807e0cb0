using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections.Features;
using MtaTls.AspNetCore;

namespace MtaTls.Samples.Quickstart;

/// <summary>A web app as any other: a page, an API, a WebSocket. Behind UseMtaTls() the same endpoint serves it on connections and in channels.</summary>
internal sealed class WebApp : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _connections;

    private WebApp(WebApplication app) => _app = app;

    public int Port { get; private set; }

    /// <summary>TCP connections accepted so far, each with one TLS handshake.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public static async Task<WebApp> StartAsync(X509Certificate2 certificate, int port)
    {
        // In Development the live page answers browsers on this machine without an authorization policy.
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = Environments.Development });
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        WebApp? web = null;
        builder.WebHost.UseMtaTls();
        builder.Services.AddMtaTlsDashboard();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, endpoint =>
        {
            endpoint.Use(next => connection =>
            {
                Interlocked.Increment(ref web!._connections);
                return next(connection);
            });
            endpoint.UseHttps(certificate);
        }));
        WebApplication app = builder.Build();
        web = new WebApp(app);
        Map(app);
        await app.StartAsync();
        web.Port = new Uri(app.Urls.First()).Port;
        return web;
    }

    public Task WaitForShutdownAsync() => _app.WaitForShutdownAsync();

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static void Map(WebApplication app)
    {
        app.UseWebSockets();
        app.MapMtaTlsDashboard("/mta-tls");
        app.MapGet("/", (HttpContext context) => Results.Content(Page(context), "text/html"));
        app.MapGet("/api/squares/{n:int}", (int n) => new { n, square = (long)n * n });
        app.MapGet("/api/connection", (HttpContext context) => new
        {
            tls = context.Features.Get<ITlsHandshakeFeature>()?.Protocol.ToString(),
            session = context.Features.Get<IMtaTlsSessionFeature>()?.SessionId,
            channel = context.Features.Get<IMtaTlsChannelFeature>()?.ChannelId.ToString(),
        });
        app.MapGet("/bytes/{n:int:range(0,100000000)}", (int n) => Results.Bytes(new byte[n]));
        app.Map("/ws", async (HttpContext context) =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            byte[] buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted) is { MessageType: not WebSocketMessageType.Close } message)
            {
                await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, message.EndOfMessage, context.RequestAborted);
            }

            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
        });
    }

    private static string Page(HttpContext context)
    {
        string way = context.Features.Get<IMtaTlsChannelFeature>() is { } channel
            ? $"channel {channel.ChannelId} of session {context.Features.Get<IMtaTlsSessionFeature>()!.SessionId}"
            : "an ordinary connection";
        return $"<!doctype html><title>Quickstart</title><h1>Hello over MTA-TLS</h1><p>This page came on {way}, by {context.Request.Protocol}.</p>";
    }
}
