using System.CommandLine;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MtaTls.ReverseProxy.Agents;
using MtaTls.Tool.Management;
using MtaTls.Tool.Output;
using MtaTls.Tool.Serving;

namespace MtaTls.Tool.Commands;

/// <summary><c>mtatls serve</c>: runs a gateway from an appsettings.json, without code.</summary>
internal static class ServeCommand
{
    /// <summary>The section with host patterns for agents without a route: host pattern → agent name.</summary>
    private const string AgentHosts = "Gateway:AgentHosts";

    private const string HealthUrl = "Gateway:HealthUrl";

    public static Command Create(Terminal terminal, LoggingOptions logging)
    {
        Option<FileInfo> configuration = ServedApplication.ConfigurationOption();
        Option<string> socket = ServedApplication.SocketOption("gateway");
        var trial = new Option<bool>("--trial") { Description = "Runs a trial gateway without a configuration file. It listens on this machine only, makes its own certificate, and accepts every agent." };
        var port = new Option<int>("--port") { Description = "The port of --trial. Default: 8443.", DefaultValueFactory = _ => 8443 };
        var noConfiguration = new Option<bool>("--no-config") { Description = "Reads no configuration file. All settings come from environment variables, such as MtaTls__Endpoints__Public__Url." };
        port.Validators.Add(static result => OptionRange.Check(result, 1, 65_535));
        var command = new Command("serve", "Runs a gateway with the endpoints, channel routes, agents and YARP routes of an appsettings.json.") { configuration, noConfiguration, socket, trial, port };
        command.Validators.Add(result =>
        {
            if (result.GetValue(noConfiguration) && (result.GetValue(trial) || result.GetResult(configuration) is { Implicit: false }))
            {
                result.AddError("--no-config can't be used with --config or --trial.");
            }
        });
        command.SetAction(async (parsed, stop) =>
        {
            try
            {
                TrialGateway? trialGateway = parsed.GetValue(trial) ? new TrialGateway(parsed.GetValue(port)) : null;
                WebApplicationBuilder builder = trialGateway?.CreateBuilder() ?? ServedApplication.CreateBuilder(parsed.GetValue(noConfiguration) ? null : parsed.GetRequiredValue(configuration));
                ServedApplication.AddLogging(builder, parsed, logging);
                ServedApplication.LeaveSignals(builder);
                ManagementSocket.Listen(builder, parsed.GetRequiredValue(socket));
                return await ServedApplication.RunAsync(Build(builder), terminal, stop, trialGateway?.Instructions);
            }
            catch (ToolException e)
            {
                return terminal.Fail(e);
            }
        });
        return command;
    }

    private static WebApplication Build(WebApplicationBuilder builder)
    {
        builder.WebHost.UseMtaTls();
        builder.Services.AddReverseProxy().LoadFromConfig(builder.Configuration.GetSection("ReverseProxy")).AddMtaTlsRouting().AddMtaTlsAgents();
        builder.Services.AddHealthChecks().AddMtaTlsAgents(tags: ["ready"]);
        builder.Services.AddAuthorization();
        AddHealth(builder);
        bool hasPage = LivePage.TryAdd(builder);
        WebApplication app = builder.Build();
        ManagementSocket.Map(app, static management => management.UseRouting().UseEndpoints(static endpoints =>
        {
            endpoints.MapGet("/agents", static (IMtaTlsAgents agents) => ManagementSocket.Json(List(agents)));
            endpoints.MapPost("/agents/{id}/drain", static async (IMtaTlsAgents agents, string id, double? seconds) =>
                await agents.DrainAsync(id, TimeSpan.FromSeconds(Math.Clamp(seconds ?? 10, 0, 3_600))) ? Results.NoContent() : Results.NotFound());
            endpoints.MapPost("/agents/{id}/end", static (IMtaTlsAgents agents, string id) => agents.End(id) ? Results.NoContent() : Results.NotFound());
        }));
        MapHealth(app);
        if (hasPage)
        {
            LivePage.Map(app);
        }

        app.UseRouting();
        app.MapMtaTlsAgents();
        foreach (IConfigurationSection host in app.Configuration.GetSection(AgentHosts).GetChildren())
        {
            app.MapMtaTlsAgentForwarder(host.Key, host.Value ?? "{name}").WithMtaTlsInspector();
        }

        app.MapReverseProxy().WithMtaTlsInspector();
        return app;
    }

    private static JsonArray List(IMtaTlsAgents agents) => [.. agents.List().Select(static a => new JsonObject
    {
        ["id"] = a.Id,
        ["agent"] = a.Agent,
        ["identity"] = a.Identity,
        ["session"] = a.SessionId,
        ["names"] = new JsonArray([.. a.Names.Select(static n => (JsonNode?)JsonValue.Create(n))]),
        ["weight"] = a.Weight,
        ["since"] = a.Since,
        ["activeChannels"] = a.ActiveChannels,
        ["totalChannels"] = a.TotalChannels,
        ["isDraining"] = a.IsDraining,
    })];

    /// <summary>Health checks for load balancers and orchestrators, on a separate port: <c>/health</c> is healthy while the process serves, <c>/ready</c> until it begins to stop.</summary>
    private static void AddHealth(WebApplicationBuilder builder)
    {
        if (builder.Configuration[HealthUrl] is not { Length: > 0 } url)
        {
            return;
        }

        if (!Uri.TryCreate(url.Replace("://*", "://0.0.0.0", StringComparison.Ordinal), UriKind.Absolute, out Uri? address) || address.Scheme != Uri.UriSchemeHttp || !IPAddress.TryParse(address.Host.Trim('[', ']'), out IPAddress? ip))
        {
            throw new ToolException(ExitCode.Usage, $"'{url}' is not a URL such as http://127.0.0.1:8081 or http://*:8081 ({HealthUrl}).");
        }

        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(ip, address.Port, static listen => PrivateEndpoint.Mark(listen, HealthUrl)));
    }

    private static void MapHealth(WebApplication app)
    {
        PrivateEndpoint.Map(app, HealthUrl, static health => health
            .UseHealthChecks("/health", new HealthCheckOptions { Predicate = static _ => false })
            .UseHealthChecks("/ready", new HealthCheckOptions { Predicate = static c => c.Tags.Contains("ready") })
            .Run(static context =>
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            }));
    }
}
