using System.CommandLine;
using System.Globalization;
using MtaTls.Benchmarks.Liveness;

namespace MtaTls.Benchmarks.Commands;

/// <summary><c>restart</c>: requests per second and errors while two servers behind HAProxy are restarted.</summary>
internal static class RestartCommand
{
    public static Command Create()
    {
        var delay = new Option<double>("--delay") { Description = "The MtaTls:Shutdown:Delay of the servers, in seconds.", DefaultValueFactory = _ => 5 };
        var workers = new Option<int>("--workers") { Description = "The number of requests in flight.", DefaultValueFactory = _ => 16 };
        var output = new Option<string>("--output") { Description = "The file of the chart.", DefaultValueFactory = _ => "artifacts/benchmarks/restart.svg" };
        var command = new Command("restart", "A rolling restart of two servers behind HAProxy under POST requests: a chart of requests and errors per second, and the numbers of lost and repeated requests.") { delay, workers, output };
        command.SetAction(async (parsed, ct) =>
        {
            RestartResult result = await RestartRun.RunAsync(TimeSpan.FromSeconds(parsed.GetValue(delay)), parsed.GetValue(workers), ct);
            string file = Path.GetFullPath(parsed.GetValue(output)!);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, RestartChart.Draw(result), ct);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{result.Requests} requests in {result.Samples.Count * RestartRun.SampleLength.TotalSeconds:0} s, {result.Failed} failed, {result.Lost} answered but not executed, {result.Repeated} executed more than once. Written: {file}"));
            return result.Failed + result.Lost + result.Repeated == 0 ? 0 : 1;
        });
        return command;
    }
}
