using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Routing;

/// <summary>An existing web app behind the gateway: plain HTTP on the loopback, without MTA-TLS.</summary>
internal static class Backend
{
    public static Task<TestApp> StartAsync(string name, HttpProtocols protocols = HttpProtocols.Http1, Action<WebApplicationBuilder>? configure = null, Action<WebApplication>? map = null) =>
        TestApp.StartBareAsync(
            builder =>
            {
                builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = protocols));
                configure?.Invoke(builder);
            },
            app =>
            {
                app.UseWebSockets();
                map?.Invoke(app);
                app.Map("/ws", EchoAsync);
                app.MapGet("/events", EventsAsync);
                app.MapGet("/{**path}", (HttpRequest request) => new Seen(
                    name, request.Host.Value!, request.Path, request.Headers["X-Forwarded-For"].ToString(), request.Headers["Forwarded"].ToString(), request.Headers["X-Forwarded-Host"].ToString()));
            });

    public static async Task<Seen> GetSeenAsync(this HttpClient client, string url, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url) { Version = client.DefaultRequestVersion, VersionPolicy = client.DefaultVersionPolicy };
        change?.Invoke(request);
        using HttpResponseMessage response = await client.SendAsync(request);
        response.EnsureSuccessStatusCode();
        return JsonSerializer.Deserialize<Seen>(await response.Content.ReadAsStringAsync(), JsonSerializerOptions.Web)!;
    }

    public static async Task<HttpStatusCode> GetStatusAsync(this HttpClient client, string url, string? host = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url) { Version = client.DefaultRequestVersion, VersionPolicy = client.DefaultVersionPolicy };
        request.Headers.Host = host;
        using HttpResponseMessage response = await client.SendAsync(request);
        return response.StatusCode;
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
        byte[] buffer = new byte[4096];
        while (true)
        {
            WebSocketReceiveResult message = await socket.ReceiveAsync(buffer, context.RequestAborted);
            if (message.MessageType == WebSocketMessageType.Close)
            {
                break;
            }

            await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, message.EndOfMessage, context.RequestAborted);
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
    }

    private static async Task EventsAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        for (int i = 0; i < 3; i++)
        {
            await context.Response.WriteAsync($"data: {i}\n\n");
            await context.Response.Body.FlushAsync();
        }

        // The response stays open until the client disconnects, so the client must get the data at once.
        await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    internal sealed record Seen(string Name, string Host, string Path, string ForwardedFor, string Forwarded, string ForwardedHost);
}
