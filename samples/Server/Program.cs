using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Serialization;
using MtaTls.AspNetCore;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseMtaTls();
WebApplication app = builder.Build();
app.UseWebSockets();

app.MapGet("/plaintext", () => "Hello, World!");

// Sends n bytes. Each byte is the low eight bits of its position.
app.MapGet("/bytes/{n:long:min(0)}", async (long n, HttpResponse response) =>
{
    response.ContentType = "application/octet-stream";
    response.ContentLength = n;
    byte[] block = new byte[65536];
    for (int i = 0; i < block.Length; i++)
    {
        block[i] = (byte)i;
    }

    for (long left = n; left > 0; left -= block.Length)
    {
        await response.BodyWriter.WriteAsync(block.AsMemory(0, (int)Math.Min(left, block.Length)));
    }
});

app.MapPost("/echo", async context =>
{
    context.Response.ContentType = context.Request.ContentType;
    context.Response.ContentLength = context.Request.ContentLength;
    await context.Request.BodyReader.CopyToAsync(context.Response.BodyWriter);
});

app.Map("/ws", async context =>
{
    if (!context.WebSockets.IsWebSocketRequest)
    {
        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        return;
    }

    using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
    byte[] buffer = new byte[16384];
    ValueWebSocketReceiveResult message;
    while ((message = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted)).MessageType != WebSocketMessageType.Close)
    {
        await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, message.EndOfMessage, context.RequestAborted);
    }

    await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
});

// The session and channel of the request; 404 if it came on an ordinary connection.
app.MapGet("/channel", (HttpContext context) =>
    context.Features.Get<IMtaTlsSessionFeature>() is { } session && context.Features.Get<IMtaTlsChannelFeature>() is { } channel
        ? Results.Json(
            new ChannelAnswer(session.SessionId, channel.ChannelId.ToString(), channel.ClaimedSource.ToString(), channel.Destination.ToString()),
            SampleJson.Default.ChannelAnswer)
        : Results.NotFound());

app.Run();

internal sealed record ChannelAnswer(string SessionId, string ChannelId, string ClaimedSource, string Destination);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ChannelAnswer))]
internal sealed partial class SampleJson : JsonSerializerContext;
