using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MtaTls.QuicTunnel;
using MtaTls.QuicTunnel.Client;
using MtaTls.QuicTunnel.Concentrator;
using MtaTls.Tool.Management;
using MtaTls.Tool.Output;
using MtaTls.Tool.Serving;
using Spectre.Console;

namespace MtaTls.Tool.Commands;

/// <summary><c>mtatls tunnel</c>: runs the concentrator, the client, or both of a QUIC tunnel, depending on the configuration.</summary>
internal static class TunnelCommand
{
    private static readonly string[] s_columns = ["local", "remote", "state", "roundTripMilliseconds", "packetsSent", "packetsReceived", "packetsLost"];

    private const string Up = "mtatls tunnel up";

    public static Command Create(Terminal terminal, LoggingOptions logging)
    {
        Option<string> socket = ServedApplication.SocketOption("tunnel");
        socket.Recursive = true;
        var command = new Command("tunnel", "Runs a QUIC tunnel: concentrator (section QuicTunnel), client (section QuicTunnelClient), or both.") { socket };

        Option<FileInfo> configuration = ServedApplication.ConfigurationOption();
        var up = new Command("up", "Runs the tunnel until a signal or 'mtatls tunnel down' stops it.") { configuration };
        up.SetAction(async (parsed, stop) =>
        {
            try
            {
                WebApplicationBuilder builder = ServedApplication.CreateBuilder(parsed.GetRequiredValue(configuration));
                ServedApplication.AddLogging(builder, parsed, logging);
                ServedApplication.LeaveSignals(builder);
                ManagementSocket.Listen(builder, parsed.GetRequiredValue(socket));
                return await ServedApplication.RunAsync(Build(builder), terminal, stop);
            }
            catch (ToolException e)
            {
                return terminal.Fail(e);
            }
        });
        command.Add(up);

        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var status = new Command("status", "Shows the sessions of the tunnel and their paths.") { json };
        status.SetAction((parsed, stop) => RunAsync(terminal, parsed.GetRequiredValue(socket), parsed.GetValue(json), async client =>
        {
            JsonNode answer = await client.GetAsync("/tunnel", stop);
            if (parsed.GetValue(json))
            {
                terminal.WriteJson(answer);
            }
            else
            {
                Write(terminal, answer);
            }
        }));
        command.Add(status);

        var down = new Command("down", "Stops the tunnel.");
        down.SetAction((parsed, stop) => RunAsync(terminal, parsed.GetRequiredValue(socket), false, async client =>
        {
            await client.SendAsync(HttpMethod.Post, "/tunnel/down", stop);
            terminal.WriteLine("The tunnel is stopping.");
        }));
        command.Add(down);
        return command;
    }

    private static WebApplication Build(WebApplicationBuilder builder)
    {
        bool isConcentrator = builder.Configuration.GetSection(QuicTunnelOptions.SectionName).Exists();
        bool isClient = builder.Configuration.GetSection(QuicTunnelClientOptions.SectionName).Exists();
        if (!isConcentrator && !isClient)
        {
            throw new ToolException(ExitCode.Usage, $"The configuration has neither the section {QuicTunnelOptions.SectionName} nor {QuicTunnelClientOptions.SectionName}.", "Add one of them.");
        }

        if (isConcentrator)
        {
            builder.AddQuicTunnel();
        }

        if (isClient)
        {
            builder.AddQuicTunnelClient();
        }

        WebApplication app = builder.Build();
        ManagementSocket.Map(app, static management => management.UseRouting().UseEndpoints(static endpoints =>
        {
            endpoints.MapGet("/tunnel", static (IServiceProvider services) => ManagementSocket.Json(Status(services)));
            endpoints.MapPost("/tunnel/down", static (IHostApplicationLifetime lifetime, HttpContext context) =>
            {
                context.Response.OnCompleted(() =>
                {
                    lifetime.StopApplication();
                    return Task.CompletedTask;
                });
                return Results.Accepted();
            });
        }));
        return app;
    }

    private static JsonObject Status(IServiceProvider services)
    {
        var status = new JsonObject();
        if (services.GetService<ITunnelSessions>() is { } sessions)
        {
            status["sessions"] = new JsonArray([.. sessions.List().Select(static s => (JsonNode)new JsonObject
            {
                ["name"] = s.Name,
                ["identity"] = s.Identity,
                ["createdAt"] = s.CreatedAt,
                ["addresses"] = new JsonArray([.. s.Addresses.Select(static a => (JsonNode?)JsonValue.Create(a.ToString()))]),
                ["paths"] = Paths(s.Paths),
            })]);
        }

        if (services.GetService<QuicTunnelClient>() is { } client)
        {
            status["client"] = new JsonObject { ["session"] = client.SessionName, ["paths"] = Paths(client.Paths) };
        }

        return status;
    }

    private static JsonArray Paths(IReadOnlyList<TunnelPathInfo> paths) => new([.. paths.Select(static p => (JsonNode)new JsonObject
    {
        ["local"] = p.LocalEndPoint.ToString(),
        ["remote"] = p.RemoteEndPoint.ToString(),
        ["state"] = p.State.ToString(),
        ["roundTripMilliseconds"] = Math.Round(p.RoundTripTime.TotalMilliseconds, 3),
        ["congestionWindow"] = p.CongestionWindow,
        ["maxPacketSize"] = p.MaxPacketSize,
        ["packetsSent"] = p.PacketsSent,
        ["packetsReceived"] = p.PacketsReceived,
        ["packetsLost"] = p.PacketsLost,
        ["bytesSent"] = p.BytesSent,
        ["bytesReceived"] = p.BytesReceived,
    })]);

    private static void Write(Terminal terminal, JsonNode status)
    {
        if (status["client"] is { } client)
        {
            WritePaths(terminal, client["session"] is { } name ? $"Client, session {name}" : "Client: connecting", client["paths"]!.AsArray());
        }

        if (status["sessions"] is JsonArray sessions)
        {
            terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Concentrator: {sessions.Count} session(s)"));
            foreach (JsonNode session in sessions.OfType<JsonNode>())
            {
                string addresses = string.Join(", ", session["addresses"]!.AsArray().Select(static a => a!.GetValue<string>()));
                WritePaths(terminal, $"{session["name"]} {session["identity"]} {addresses}", session["paths"]!.AsArray());
            }
        }
    }

    private static void WritePaths(Terminal terminal, string title, JsonArray paths)
    {
        Table table = new Table().Border(TableBorder.Rounded).Title(Markup.Escape(title));
        foreach (string column in new[] { "Local", "Remote", "State", "RTT ms", "Sent", "Received", "Lost" })
        {
            table.AddColumn(column);
        }

        foreach (JsonNode path in paths.OfType<JsonNode>())
        {
            table.AddRow([.. s_columns.Select(name => Markup.Escape($"{path[name]}"))]);
        }

        terminal.Console.Write(table);
    }

    private static async Task<int> RunAsync(Terminal terminal, string socket, bool json, Func<ManagementClient, Task> work)
    {
        using var client = new ManagementClient(socket, Up);
        try
        {
            await work(client);
            return ExitCode.Success;
        }
        catch (ToolException e)
        {
            return terminal.Fail(e, json);
        }
    }
}
