using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.Tool.Tests.Support;

/// <summary>A gateway, run by <c>mtatls serve</c>, with its certificates and a web application behind it, <c>web.internal:80</c>.</summary>
public sealed class Gateway : IAsyncLifetime
{
    /// <summary>The bytes that the bodies of <c>/bytes/N</c> repeat.</summary>
    public static readonly byte[] Pattern = [.. Enumerable.Range(0, 251).Select(static i => (byte)i)];

    private readonly Dictionary<string, int> _routes = [];
    private WebApplication? _web;
    private RunningProgram? _serve;

    public string Folder { get; } = Directory.CreateTempSubdirectory("mtatls-tool").FullName;

    public int Port { get; private set; }

    public string Address => string.Create(CultureInfo.InvariantCulture, $"localhost:{Port}");

    public string Authority => Path.Combine(Folder, "ca.pem");

    public string Socket => Path.Combine(Folder, "gateway.sock");

    public int WebPort { get; private set; }

    /// <summary>Settings in addition to those of the file, as environment variables such as <c>MtaTls__Tcp__MaxConnections</c>. Read at each start.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    /// <summary>The gateway's current process.</summary>
    public int ProcessId => _serve!.Id;

    /// <summary>Ends the slow response of <c>/slow</c>.</summary>
    public TaskCompletionSource SlowMayEnd { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completed when <c>/slow</c> has sent its first half.</summary>
    public TaskCompletionSource SlowHasBegun { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async ValueTask InitializeAsync()
    {
        await StartWebAsync();
        await MakeCertificatesAsync();
        Port = FreePort.Find();
        await StartAsync();
    }

    /// <summary>Starts a new slow response.</summary>
    public void ResetSlow()
    {
        SlowMayEnd = new(TaskCreationOptions.RunContinuationsAsynchronously);
        SlowHasBegun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Adds a route to a local port and restarts the gateway with it.</summary>
    public async Task AddRouteAsync(string host, int port)
    {
        _routes[host] = port;
        await StopAsync("TERM");
        await StartAsync();
    }

    public async Task StartAsync()
    {
        await WriteConfigurationAsync();
        _serve = RunningProgram.Mtatls(Environment, "serve", "--config", Path.Combine(Folder, "appsettings.json"), "--socket", Socket);
        await _serve.LineAsync(static line => line == "mtatls: ready.");
    }

    public async Task<int> StopAsync(string signal)
    {
        _serve!.Signal(signal);
        int code = await _serve.ExitAsync();
        await _serve.DisposeAsync();
        return code;
    }

    public async ValueTask DisposeAsync()
    {
        await _serve!.DisposeAsync();
        SlowMayEnd.TrySetResult();
        await _web!.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private async Task StartWebAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _web = builder.Build();
        _web.MapGet("/", () => Results.Content("<html><body><p id=\"hello\">Hello from web.internal</p></body></html>", "text/html"));
        _web.MapGet("/host", (HttpContext context) => $"{context.Request.Host} {context.Request.Headers.Connection}");
        _web.MapGet("/bytes/{count:int}", async (int count, HttpContext context) =>
        {
            context.Response.ContentLength = count;
            for (int sent = 0; sent < count; sent += Pattern.Length)
            {
                await context.Response.Body.WriteAsync(Pattern.AsMemory(0, Math.Min(Pattern.Length, count - sent)));
            }
        });
        _web.MapGet("/slow", async (HttpContext context) =>
        {
            context.Response.ContentLength = 200_000;
            await context.Response.Body.WriteAsync(new byte[100_000]);
            await context.Response.Body.FlushAsync();
            SlowHasBegun.TrySetResult();
            await SlowMayEnd.Task;
            await context.Response.Body.WriteAsync(new byte[100_000]);
        });
        _web.MapPost("/echo", async (HttpContext context) => await context.Request.Body.CopyToAsync(context.Response.Body));
        await _web.StartAsync();
        WebPort = new Uri(_web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
        _routes["web.internal"] = WebPort;
    }

    private async Task MakeCertificatesAsync()
    {
        foreach (string[] arguments in (string[][])[["ca"], ["server", "localhost", "127.0.0.1"], ["client", "agent.test"]])
        {
            (int code, string output) = await RunningProgram.RunMtatlsAsync(["cert", .. arguments, "--output", Folder]);
            Assert.True(code == 0, output);
        }
    }

    private static JsonObject Named(string name) => new() { ["SubjectAlternativeNames"] = new JsonArray(name) };

    private async Task WriteConfigurationAsync()
    {
        var channels = new JsonArray([.. _routes.Select(static r => (JsonNode)new JsonObject
        {
            ["Hosts"] = new JsonArray(r.Key),
            ["Action"] = "Tcp",
            ["Upstream"] = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{r.Value}"),
            ["AllowAnonymous"] = true,
        })]);
        channels.Add(new JsonObject { ["Hosts"] = new JsonArray("*.agents.internal"), ["Action"] = "Agent", ["AllowAnonymous"] = true });
        channels.Add(new JsonObject { ["Hosts"] = new JsonArray("*.certified.internal"), ["Action"] = "Agent", ["ClientCertificate"] = Named("agent.test") });
        channels.Add(new JsonObject { ["Hosts"] = new JsonArray("*.certified.internal"), ["Action"] = "Reject" });
        channels.Add(new JsonObject { ["Hosts"] = new JsonArray("refused.internal"), ["Action"] = "Reject" });
        var configuration = new JsonObject
        {
            ["MtaTls"] = new JsonObject
            {
                ["Endpoints"] = new JsonObject
                {
                    ["Public"] = new JsonObject
                    {
                        ["Url"] = string.Create(CultureInfo.InvariantCulture, $"https://localhost:{Port}"),
                        ["ClientCertificateMode"] = "AllowCertificate",
                        ["ClientCertificateAuthorityPath"] = "ca.pem",
                        ["Certificate"] = new JsonObject { ["Path"] = "server.pem", ["KeyPath"] = "server.key" },
                    },
                },
                ["Channels"] = channels,
                // On a busy machine a program may take longer than the defaults.
                ["Limits"] = new JsonObject { ["HandshakeTimeout"] = "00:02:00" },
                ["Agents"] = new JsonObject
                {
                    ["OpenTimeout"] = "00:01:00",
                    // Less than the OpenTimeout of clients (30 s), who get the refusal then.
                    ["WaitForAgent"] = "00:00:15",
                    ["Rules"] = new JsonArray(
                        new JsonObject { ["Names"] = new JsonArray("*.agents.internal"), ["AllowAnonymous"] = true },
                        new JsonObject { ["Names"] = new JsonArray("*.certified.internal"), ["ClientCertificate"] = Named("agent.test") }),
                },
            },
            ["Gateway"] = new JsonObject
            {
                ["AgentHosts"] = new JsonObject { ["{name}.agents.test"] = "{name}.agents.internal" },
                ["HealthUrl"] = "http://127.0.0.1:0",
            },
            ["ReverseProxy"] = new JsonObject { ["Routes"] = new JsonObject(), ["Clusters"] = new JsonObject() },
        };
        await File.WriteAllTextAsync(Path.Combine(Folder, "appsettings.json"), configuration.ToJsonString());
    }
}
