using System.Globalization;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Connections;
using MtaTls.Stress.Hosting;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Stress.Server;

/// <summary>An ordinary application with UseMtaTls() and its settings in files. It answers questions about itself on its standard input.</summary>
internal sealed class StressServer(bool isLimited)
{
    private TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _requests, _gathered;

    public async Task<int> RunAsync()
    {
        using EchoServer echo = new();
        using ServerSettings settings = new(echo.Port, isLimited);
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production", ContentRootPath = settings.ContentRoot });
        // No logs on standard output, which the parent process reads.
        builder.Logging.ClearProviders().AddConsole(o => o.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Error);
        builder.WebHost.UseSetting(WebHostDefaults.ServerUrlsKey, "");
        builder.WebHost.ConfigureKestrel(k => k.Limits.MaxRequestBodySize = null);
        builder.WebHost.UseMtaTls();
        await using WebApplication app = builder.Build();
        Map(app);
        await app.StartAsync();
        Console.WriteLine(JsonSerializer.Serialize(new ServerInfo(settings.Port, TestCertificates.Root.RawData)));
        while (await Console.In.ReadLineAsync() is { } line)
        {
            Console.WriteLine(line switch
            {
                "sample" => JsonSerializer.Serialize(Sample(app.Services, collect: false)),
                "collect" => JsonSerializer.Serialize(Sample(app.Services, collect: true)),
                "certificate" => settings.Renew(),
                "settings" => settings.Change(),
                _ => $"There is no {line}.",
            });
        }

        await app.StopAsync();
        return 0;
    }

    private ProcessSample Sample(IServiceProvider services, bool collect)
    {
        MtaTlsServer server = services.GetRequiredService<MtaTlsServer>();
        return ProcessSample.Take(collect) with
        {
            Sessions = server.Metrics.ActiveSessions,
            Channels = server.Metrics.ActiveChannels,
            Requests = Volatile.Read(ref _requests),
            Reserved = server.ReceiveBudget.Reserved,
            Others = server.Handshakes.Count + server.Sessions.Count,
        };
    }

    private void Map(WebApplication app)
    {
        app.Use(async (context, next) =>
        {
            Interlocked.Increment(ref _requests);
            try
            {
                await next(context);
            }
            catch (Exception e) when (e is WebSocketException || context.RequestAborted.IsCancellationRequested && e is IOException or OperationCanceledException or BadHttpRequestException)
            {
                // The client has aborted the request, as some requests do.
            }
            finally
            {
                Interlocked.Decrement(ref _requests);
            }
        });
        app.UseWebSockets();
        app.MapGet("/bytes/{seed:long}/{count:long}", async (long seed, long count, HttpContext context) =>
        {
            if (seed % 2 == 0)
            {
                context.Response.ContentLength = count;
            }

            await WriteAsync(context, seed, count, count);
        });
        app.MapMethods("/hash", ["POST", "PUT"], async context =>
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            byte[] buffer = new byte[16 * 1024];
            for (int count; (count = await context.Request.Body.ReadAsync(buffer)) > 0;)
            {
                hash.AppendData(buffer, 0, count);
            }

            await context.Response.WriteAsync(Convert.ToHexString(hash.GetHashAndReset()));
        });
        app.MapPost("/echo", static context => context.Request.Body.CopyToAsync(context.Response.Body, context.RequestAborted));
        app.MapGet("/abort/{seed:long}/{count:long}", async (long seed, long count, HttpContext context) =>
        {
            await WriteAsync(context, seed, count, count + 1);
            context.Abort();
        });
        app.MapGet("/never", static context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        app.MapGet("/gather/{count:int}", async (int count) =>
        {
            // Answers all requests at once, when all have arrived.
            Task all = Volatile.Read(ref _all).Task;
            if (Interlocked.Increment(ref _gathered) == count)
            {
                _gathered = 0;
                Interlocked.Exchange(ref _all, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
            }

            await all;
            return count.ToString(CultureInfo.InvariantCulture);
        });
        app.Map("/ws", async (HttpContext context) =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            byte[] buffer = new byte[16 * 1024];
            while (await socket.ReceiveAsync(buffer, context.RequestAborted) is { MessageType: not WebSocketMessageType.Close } received)
            {
                await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
            }

            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
        });
    }

    private static async Task WriteAsync(HttpContext context, long seed, long count, long length)
    {
        Payload payload = new(seed, length);
        for (long left = count; left > 0;)
        {
            int written = payload.Read(context.Response.BodyWriter.GetSpan(1)[..(int)Math.Min(left, context.Response.BodyWriter.GetMemory(1).Length)]);
            context.Response.BodyWriter.Advance(written);
            left -= written;
            await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
        }
    }
}
