using System.CommandLine;
using System.Text.Json;
using MtaTls.Benchmarks.Server;
using MtaTls.Benchmarks.Work;

namespace MtaTls.Benchmarks.Commands;

/// <summary>The roles that the program starts itself in. They work by hand too, for a profiler's sake.</summary>
internal static class ChildCommands
{
    public static Command CreateServe()
    {
        var contender = new Argument<Contender>("contender");
        var certificate = new Argument<string>("certificate");
        var command = new Command("serve", "The server process; ends with its standard input.") { contender, certificate };
        command.Hidden = true;
        command.SetAction((parsed, _) => BenchmarkServer.RunAsync(parsed.GetValue(contender), parsed.GetValue(certificate)!));
        return command;
    }

    public static Command CreateDrive()
    {
        var contender = new Argument<Contender>("contender");
        var server = new Argument<string>("server");
        var command = new Command("drive", "The client process: a request in JSON a line, ends with its standard input.") { contender, server };
        command.Hidden = true;
        command.SetAction(async (parsed, ct) =>
        {
            var info = JsonSerializer.Deserialize(parsed.GetValue(server)!, ServerJson.Default.ServerInfo)!;
            await using var runner = new WorkRunner(parsed.GetValue(contender), info);
            while (await Console.In.ReadLineAsync(ct) is { } line)
            {
                var result = await runner.RunAsync(JsonSerializer.Deserialize(line, WorkJson.Default.WorkRequest)!, ct);
                Console.WriteLine(JsonSerializer.Serialize(result, WorkJson.Default.WorkResult));
            }
        });
        return command;
    }
}
