using System.Text.Json.Serialization;
using MtaTls.QuicTunnel;
using QuicTunnelSample;

// One program with several roles; see appsettings.json. The command line can set every setting: --Role Client --QuicTunnelClient:Host ...
IConfiguration configuration = new ConfigurationBuilder().SetBasePath(AppContext.BaseDirectory).AddJsonFile("appsettings.json").AddCommandLine(args).Build();
string? role = configuration["Role"];
switch (role)
{
    case "Concentrator":
        return RunConcentrator(args);
    case "Client":
        return RunClient(args);
    case "Certificates":
        string directory = Path.GetFullPath(configuration["Directory"] ?? ".");
        Directory.CreateDirectory(directory);
        SampleCertificates.Write(directory);
        Console.WriteLine($"{directory}: ca.pem, concentrator.pem and .key, laptop-1.pem and .key, valid for 30 days. For tests only.");
        return 0;
    case "Demo":
        return await Demo.RunAsync();
    default:
        Console.Error.WriteLine($"Role '{role}' is unknown. Set --Role to Concentrator, Client, Certificates or Demo.");
        return 1;
}

static int RunConcentrator(string[] args)
{
    WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory, EnvironmentName = Environments.Development });
    builder.AddQuicTunnel();
    if (builder.Configuration["Redis"] is { } redis)
    {
        // One of several concentrators, with QuicTunnel:Cluster.
        builder.AddQuicTunnelRedisDirectory(redis);
    }

    builder.Services.AddMtaTlsDashboard();
    builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, SampleJson.Default));
    WebApplication app = builder.Build();
    app.MapGet("/", () => "You are in the tunnel.\n");
    app.MapGet("/bytes/{count:long}", (long count, HttpContext context) => SampleData.WriteAsync(count, context.Response));
    app.MapPost("/sink", (Stream body) => SampleData.DrainAsync(body));
    app.MapGet("/sessions", (ITunnelSessions sessions) => sessions.List().Select(SessionView.Of).ToArray());
    app.MapHealthChecks("/health");
    // The live page: http://127.0.0.1:8099/mta-tls. In Development it serves browsers of this machine; elsewhere it needs .RequireAuthorization("a policy").
    app.MapMtaTlsDashboard("/mta-tls");
    app.Run();
    return 0;
}

static int RunClient(string[] args)
{
    HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = args, ContentRootPath = AppContext.BaseDirectory });
    builder.AddQuicTunnelClient();
    builder.Build().Run();
    return 0;
}

/// <summary>A session as /sessions shows it.</summary>
internal sealed record SessionView(string Name, string? Identity, string[] Addresses, PathView[] Paths)
{
    public static SessionView Of(TunnelSessionInfo session) => new(
        session.Name, session.Identity, [.. session.Addresses.Select(address => address.ToString())], [.. session.Paths.Select(PathView.Of)]);
}

internal sealed record PathView(string From, string State, double RttMs, long Sent, long Lost)
{
    public static PathView Of(TunnelPathInfo path) => new(
        path.RemoteEndPoint.ToString(), path.State.ToString(), path.RoundTripTime.TotalMilliseconds, path.PacketsSent, path.PacketsLost);
}

[JsonSerializable(typeof(SessionView[]))]
internal sealed partial class SampleJson : JsonSerializerContext;
