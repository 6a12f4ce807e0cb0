using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MtaTls.Benchmarks.Server;

namespace MtaTls.Benchmarks.Liveness;

/// <summary>A server with many sessions, with the live page or without it.</summary>
internal static class PageServer
{
    public static async Task RunAsync(string certificateFile, bool hasPage)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = Environments.Development });
        builder.Logging.ClearProviders();
        X509Certificate2 certificate = X509CertificateLoader.LoadPkcs12FromFile(certificateFile, null);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Listen(IPAddress.Loopback, 0, options => options.UseHttps(certificate));
        });
        builder.WebHost.UseMtaTls(static o =>
        {
            o.Limits.MaxSessions = 20_000;
            o.Limits.MaxSessionsPerAddress = 0;
            o.Limits.SessionIdleTimeout = Timeout.InfiniteTimeSpan;
        });
        if (hasPage)
        {
            builder.Services.AddMtaTlsDashboard();
        }

        WebApplication app = builder.Build();
        app.MapGet("/hello", static () => Results.Text("hello"));
        if (hasPage)
        {
            app.MapMtaTlsDashboard();
        }

        await app.StartAsync();
        int[] ports = [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(static a => BindingAddress.Parse(a).Port)];
        Console.WriteLine(JsonSerializer.Serialize(new ServerInfo(ports[1], ports[0], [Environment.ProcessId], ports[1]), ServerJson.Default.ServerInfo));
        while (await Console.In.ReadLineAsync() is not null)
        {
        }

        Environment.Exit(0); // with 10,000 connections there is nothing to finish
    }
}
