using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

/// <summary>The engine in separate processes that end in the middle of their work, or that run with settings that make misuse of memory fatal.</summary>
public class ProcessTests
{
    /// <summary>A process that ends while other threads run handshakes, read and write ends with its own exit code, not with a signal.</summary>
    [Theory]
    [InlineData("handshake")]
    [InlineData("transfer")]
    public async Task Process_exits_in_the_middle_of_work(string work)
    {
        for (int seed = 0; seed < 10; seed += 2)
        {
            await Task.WhenAll(RunAsync([], "exit", work, $"{seed}"), RunAsync([], "exit", work, $"{seed + 1}"));
        }
    }

    /// <summary>glibc overwrites freed memory and aborts at a double free, and the garbage collector runs every few kilobytes.</summary>
    [Fact]
    public async Task Nothing_is_used_after_it_was_freed()
    {
        string? checking = ((string[])["/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib64", "/usr/lib"]).Select(static d => $"{d}/libc_malloc_debug.so.0").FirstOrDefault(File.Exists);
        await RunAsync(
            new Dictionary<string, string>
            {
                ["MALLOC_PERTURB_"] = "165",
                ["MALLOC_CHECK_"] = "3",
                ["LD_PRELOAD"] = checking ?? "",
                ["DOTNET_gcServer"] = "0",
                ["DOTNET_GCgen0size"] = "0x10000",
            },
            "abuse");
    }

    private static Task RunAsync(Dictionary<string, string> environment, params string[] arguments) =>
        ChildProcess.RunAsync(typeof(ProcessTests).Assembly, Program.Success, environment, arguments);
}
