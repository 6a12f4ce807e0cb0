using System.CommandLine;
using MtaTls.Benchmarks.Plan;

namespace MtaTls.Benchmarks.Commands;

/// <summary><c>compare</c>: all contenders with the same workloads in one run.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        var options = new RunOptions();
        var quick = new Option<bool>("--quick") { Description = "A short run (under two minutes) that only checks that everything works. Its figures mean little." };
        var command = new Command("compare", "Runs the same workloads for all contenders, interleaved, and prints ratios.") { quick };
        options.AddTo(command);
        command.SetAction((parsed, ct) =>
            parsed.GetValue(quick) ? options.RunAsync(parsed, WorkPlan.Quick(), "compare-quick", 1, ct) : options.RunAsync(parsed, WorkPlan.Full(), "compare", 5, ct));
        return command;
    }
}
