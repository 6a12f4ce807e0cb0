using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Runtime;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MtaTls.Benchmarks.Server;

/// <summary>The server process: Kestrel with one app and the endpoints of one contender. It runs until its standard input is closed.</summary>
internal static class BenchmarkServer
{
    private static readonly byte[] s_hello = "s_hello, World!"u8.ToArray();
    private static readonly byte[] s_block = CreateBlock();

    public static async Task RunAsync(Contender contender, string certificateFile, IPAddress address)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (Environment.GetEnvironmentVariable("MTATLS_BENCH_LOG") == "1")
        {
            builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        }

        X509Certificate2? certificate = contender is Contender.Plain or Contender.Ssh ? null : X509CertificateLoader.LoadPkcs12FromFile(certificateFile, null);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromHours(1);
            kestrel.Listen(IPAddress.Loopback, 0, options => options.Protocols = HttpProtocols.Http1);
            kestrel.Listen(address, 0, options => Configure(options, contender, certificate));
        });
        builder.WebHost.ConfigureMtaTls(contender);

        WebApplication app = builder.Build();
        app.Run(HandleAsync);
        await app.StartAsync();
        int[] ports = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
            .Select(address => BindingAddress.Parse(address).Port).ToArray();
        var info = new ServerInfo(ports[1], ports[0], [Environment.ProcessId], ports[1]);
        Console.WriteLine(JsonSerializer.Serialize(info, ServerJson.Default.ServerInfo));

        while (await Console.In.ReadLineAsync() is not null)
        {
        }

        Environment.Exit(0); // with 10,000 connections a graceful stop takes long and is not needed
    }

    private static void Configure(ListenOptions options, Contender contender, X509Certificate2? certificate)
    {
        options.Protocols = contender.SpeaksHttp2() ? HttpProtocols.Http2 : HttpProtocols.Http1;
        if (certificate is not null)
        {
            options.UseHttps(certificate);
        }

        if (contender == Contender.Nerdbank)
        {
            options.Use(next => new NerdbankMiddleware(next).OnConnectionAsync);
        }
    }

    private static Task HandleAsync(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "";
        return path switch
        {
            "/plaintext" => PlainTextAsync(context),
            "/sink" => SinkAsync(context),
            "/stats" => StatisticsAsync(context, collect: false),
            "/gc" => StatisticsAsync(context, collect: true),
            _ when path.StartsWith("/bytes/", StringComparison.Ordinal) => BytesAsync(context, long.Parse(path.AsSpan(7), CultureInfo.InvariantCulture)),
            _ => NotFoundAsync(context),
        };
    }

    private static Task NotFoundAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static Task PlainTextAsync(HttpContext context)
    {
        context.Response.ContentLength = s_hello.Length;
        return context.Response.Body.WriteAsync(s_hello, 0, s_hello.Length);
    }

    private static async Task BytesAsync(HttpContext context, long length)
    {
        context.Response.ContentLength = length;
        for (long left = length; left > 0; left -= s_block.Length)
        {
            await context.Response.Body.WriteAsync(left < s_block.Length ? s_block.AsMemory(0, (int)left) : s_block, context.RequestAborted);
        }
    }

    private static async Task SinkAsync(HttpContext context)
    {
        PipeReader reader = context.Request.BodyReader;
        while (true)
        {
            ReadResult result = await reader.ReadAsync(context.RequestAborted);
            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                break;
            }
        }

        await PlainTextAsync(context);
    }

    private static Task StatisticsAsync(HttpContext context, bool collect)
    {
        if (collect)
        {
            // Twice, so that objects that finalizers and pools release are freed too.
            GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
            GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }

        var statistics = new ServerStatistics(GC.GetTotalAllocatedBytes(), GC.GetTotalMemory(false), JitInfo.GetCompiledMethodCount());
        return context.Response.WriteAsync(JsonSerializer.Serialize(statistics, ServerJson.Default.ServerStatistics));
    }

    private static byte[] CreateBlock()
    {
        byte[] block = new byte[64 * 1024];
        new Random(1).NextBytes(block);
        return block;
    }
}
