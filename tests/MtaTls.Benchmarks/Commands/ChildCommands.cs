using System.CommandLine;
using System.Net;
using System.Text.Json;
using MtaTls.Benchmarks.Liveness;
using MtaTls.Benchmarks.Network;
using MtaTls.Benchmarks.Server;
using MtaTls.Benchmarks.Work;

namespace MtaTls.Benchmarks.Commands;

/// <summary>The roles in which the program starts itself. They can also be started by hand, for a profiler.</summary>
internal static class ChildCommands
{
    public static Command CreateServe()
    {
        var contender = new Argument<Contender>("contender");
        var certificate = new Argument<string>("certificate");
        var address = new Argument<string>("address") { DefaultValueFactory = _ => "127.0.0.1" };
        var command = new Command("serve", "The server process. It runs until its standard input is closed.") { contender, certificate, address };
        command.Hidden = true;
        command.SetAction((parsed, _) => BenchmarkServer.RunAsync(parsed.GetValue(contender), parsed.GetValue(certificate)!, IPAddress.Parse(parsed.GetValue(address)!)));
        return command;
    }

    public static Command CreateDrive()
    {
        var contender = new Argument<Contender>("contender");
        var server = new Argument<string>("server");
        var command = new Command("drive", "The client process. It reads one request per line, in JSON, until its standard input is closed.") { contender, server };
        command.Hidden = true;
        command.SetAction(async (parsed, ct) =>
        {
            ServerInfo info = JsonSerializer.Deserialize(parsed.GetValue(server)!, ServerJson.Default.ServerInfo)!;
            await using var runner = new WorkRunner(parsed.GetValue(contender), info);
            while (await Console.In.ReadLineAsync(ct) is { } line)
            {
                WorkResult result = await runner.RunAsync(JsonSerializer.Deserialize(line, WorkJson.Default.WorkRequest)!, ct);
                Console.WriteLine(JsonSerializer.Serialize(result, WorkJson.Default.WorkResult));
            }
        });
        return command;
    }

    public static Command CreateRoll()
    {
        var certificate = new Argument<string>("certificate");
        var port = new Argument<int>("port");
        var delay = new Argument<double>("delay-seconds");
        var command = new Command("roll", "A server of a rolling restart. It shuts down when its standard input is closed.") { certificate, port, delay };
        command.Hidden = true;
        command.SetAction((parsed, _) => RollingServer.RunAsync(parsed.GetValue(certificate)!, parsed.GetValue(port), TimeSpan.FromSeconds(parsed.GetValue(delay))));
        return command;
    }

    public static Command CreateWatched()
    {
        var certificate = new Argument<string>("certificate");
        var page = new Argument<bool>("page");
        var command = new Command("watched", "A server with or without the live page. It runs until its standard input is closed.") { certificate, page };
        command.Hidden = true;
        command.SetAction((parsed, _) => PageServer.RunAsync(parsed.GetValue(certificate)!, parsed.GetValue(page)));
        return command;
    }

    public static Command CreateLink()
    {
        var serverPort = new Argument<int>("server-port");
        var roundTrip = new Argument<double>("round-trip-ms");
        var megabits = new Argument<double>("mbit");
        var loss = new Argument<double>("loss-percent");
        var command = new Command("link", "A packet link on its TUN device. It runs until its standard input is closed.") { serverPort, roundTrip, megabits, loss };
        command.Hidden = true;
        command.SetAction(async (parsed, ct) =>
        {
            using var link = new PacketLink(
                parsed.GetValue(serverPort),
                TimeSpan.FromMilliseconds(parsed.GetValue(roundTrip) / 2),
                (long)(parsed.GetValue(megabits) * 125_000),
                parsed.GetValue(loss));
            Console.WriteLine("up");
            while (await Console.In.ReadLineAsync(ct) is not null)
            {
            }

            Environment.Exit(0); // the link's threads wait in the kernel
        });
        return command;
    }
}
