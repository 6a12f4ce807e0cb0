using System.CommandLine;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace MtaTls.Benchmarks.Commands;

/// <summary><c>micro</c>: BenchmarkDotNet on the parts of the data path, with allocations.</summary>
internal static class MicroCommand
{
    public static Command Create()
    {
        var filter = new Option<string>("--filter") { Description = "The benchmarks to run, in the syntax of BenchmarkDotNet's --filter.", DefaultValueFactory = _ => "*" };
        var quick = new Option<bool>("--quick") { Description = "One short iteration of each benchmark." };
        var output = new Option<string>("--output") { Description = "The folder for BenchmarkDotNet's reports.", DefaultValueFactory = _ => "artifacts/benchmarks/micro" };
        var command = new Command("micro", "Micro-benchmarks: packets, windows, the scheduler, TLS records.") { filter, quick, output };
        command.SetAction(parsed =>
        {
            Job job = (parsed.GetValue(quick) ? Job.Dry : Job.ShortRun.WithIterationCount(7)).WithToolchain(InProcessEmitToolchain.Instance);
            ManualConfig config = ManualConfig.Create(DefaultConfig.Instance)
                .AddJob(job)
                .AddDiagnoser(MemoryDiagnoser.Default)
                .WithArtifactsPath(parsed.GetValue(output)!);
            BenchmarkSwitcher.FromAssembly(typeof(MicroCommand).Assembly).Run(["--filter", parsed.GetValue(filter)!], config);
        });
        return command;
    }
}
