using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MtaTls.Benchmarks.Liveness;

/// <summary>A server that is restarted. It stops gracefully when its standard input is closed, and then prints the requests that it has executed.</summary>
internal static class RollingServer
{
    public static async Task RunAsync(string certificateFile, int port, TimeSpan delay)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddHealthChecks().AddMtaTls();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = delay + TimeSpan.FromSeconds(30));
        X509Certificate2 certificate = X509CertificateLoader.LoadPkcs12FromFile(certificateFile, null);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, options => options.UseHttps(certificate)));
        builder.WebHost.UseMtaTls(o => o.Shutdown.Delay = delay);
        WebApplication app = builder.Build();
        ConcurrentDictionary<string, int> executed = new();
        app.MapHealthChecks("/health");
        app.MapPost("/{id}", async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            executed.AddOrUpdate((string)context.Request.RouteValues["id"]!, 1, static (_, count) => count + 1);
            await Task.Delay(2);
            await context.Response.WriteAsync("done");
        });
        await app.StartAsync();
        Console.WriteLine("up");
        while (await Console.In.ReadLineAsync() is not null)
        {
        }

        await app.StopAsync();
        Console.WriteLine(string.Join(' ', executed.Select(static e => $"{e.Key}:{e.Value}")));
    }
}
