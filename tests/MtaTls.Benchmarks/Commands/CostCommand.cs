using System.CommandLine;
using MtaTls.Benchmarks.Plan;

namespace MtaTls.Benchmarks.Commands;

/// <summary><c>cost</c>: the cost of a channel compared with a connection.</summary>
internal static class CostCommand
{
    public static Command Create()
    {
        var options = new RunOptions();
        var command = new Command("cost", "The cost of channels compared with connections: bulk, small requests, opening, memory. Without simulated links.");
        options.AddTo(command);
        command.SetAction((parsed, ct) => options.RunAsync(parsed, WorkPlan.Cost(), "cost", 5, ct));
        return command;
    }
}
