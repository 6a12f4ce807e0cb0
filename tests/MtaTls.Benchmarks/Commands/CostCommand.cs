using System.CommandLine;
using MtaTls.Benchmarks.Plan;

namespace MtaTls.Benchmarks.Commands;

/// <summary><c>cost</c>: what a channel costs beside a connection.</summary>
internal static class CostCommand
{
    public static Command Create()
    {
        var options = new RunOptions();
        var command = new Command("cost", "The cost of channels against connections: bulk, small requests, opening, memory; no links.");
        options.AddTo(command);
        command.SetAction((parsed, ct) => options.RunAsync(parsed, WorkPlan.Cost(), "cost", 5, ct));
        return command;
    }
}
