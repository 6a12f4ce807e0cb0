using System.Security.Cryptography;
using System.Threading.Channels;
using Grpc.Core;
using Microsoft.AspNetCore.SignalR;
using MtaTls.Agent;

namespace MtaTls.AgentHost;

/// <summary>An app that opens no port, with endpoints for each kind of HTTP traffic.</summary>
internal static class AgentRole
{
    public static async Task<int> RunAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.WebHost.UseMtaTlsAgent();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Limits.MaxRequestBodySize = null);
        builder.Services.AddGrpc();
        builder.Services.AddSignalR();
        builder.Services.AddHealthChecks().AddMtaTlsAgent();
        await using WebApplication app = builder.Build();
        string name = app.Configuration["MtaTlsAgent:Agent"] ?? "agent";
        app.UseWebSockets();
        app.MapGet("/", () => name);
        app.MapGet("/page", (HttpContext context) => Results.Content(
            $"<!doctype html><title>plant</title><h1 id=agent>{name}</h1><p id=client>{context.Connection.RemoteIpAddress}</p><script>document.title='script ran'</script>", "text/html"));
        app.MapGet("/who", (HttpContext context) =>
            $"{context.Connection.RemoteIpAddress} {context.Request.Scheme} {context.Request.Host} {context.Features.Get<IMtaTlsAgentFeature>()?.PublicClient.Host}");
        app.MapPost("/orders/{id}", (string id) =>
        {
            Console.WriteLine($"order {id}");
            return name;
        });
        app.MapMethods("/count/{id}", ["GET", "POST"], static (string id) => id);
        app.MapGet("/bytes/{count:long}", (long count) => Results.Stream(new Pattern(count)));
        app.MapPost("/hash", async (HttpRequest request) => Convert.ToHexString(await SHA256.HashDataAsync(request.Body)));
        var said = Channel.CreateBounded<string>(100);
        app.MapGet("/events", () => TypedResults.ServerSentEvents(said.Reader.ReadAllAsync()));
        app.MapPost("/say/{text}", (string text) => said.Writer.TryWrite(text));
        app.Map("/ws", EchoAsync);
        app.MapGrpcService<ChatterService>();
        app.MapHub<EchoHub>("/hub");
        app.MapHealthChecks("/health");
        await app.RunAsync();
        return 0;
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using System.Net.WebSockets.WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
        byte[] buffer = new byte[16 * 1024];
        while (true)
        {
            System.Net.WebSockets.ValueWebSocketReceiveResult result = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
            if (result.MessageType == System.Net.WebSockets.WebSocketMessageType.Close)
            {
                await socket.CloseAsync(System.Net.WebSockets.WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, result.Count), result.MessageType, result.EndOfMessage, context.RequestAborted);
        }
    }

    private sealed class ChatterService : Chatter.ChatterBase
    {
        public override async Task Chat(IAsyncStreamReader<Line> requestStream, IServerStreamWriter<Line> responseStream, ServerCallContext context)
        {
            await foreach (Line line in requestStream.ReadAllAsync())
            {
                await responseStream.WriteAsync(new Line { Text = "you said " + line.Text });
            }
        }
    }

    private sealed class EchoHub : Hub
    {
        public string Echo(string text) => "echo " + text;
    }
}
