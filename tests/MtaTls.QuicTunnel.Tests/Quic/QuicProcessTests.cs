using System.Diagnostics;
using MtaTls.QuicTunnel.Quic;

namespace MtaTls.QuicTunnel.Tests.Quic;

public class QuicProcessTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    /// <summary>A process may end while its loops handshake and carry datagrams: with its own exit code, not with a signal.</summary>
    [SkippableTheory]
    [InlineData("handshake")]
    [InlineData("transfer")]
    public async Task Process_exits_in_the_middle_of_work(string work)
    {
        Skip.IfNot(QuicEngine.IsSupported, QuicEngine.UnsupportedReason);
        for (var seed = 0; seed < 10; seed += 2)
            await Task.WhenAll(RunAsync("exit", work, $"{seed}"), RunAsync("exit", work, $"{seed + 1}"));
    }

    private static async Task RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["exec", typeof(QuicProcessTests).Assembly.Location, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        using var hang = new CancellationTokenSource(s_patience);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(hang.Token), errors = process.StandardError.ReadToEndAsync(hang.Token);
            await process.WaitForExitAsync(hang.Token);
            Assert.True(process.ExitCode == Program.Success, $"{string.Join(' ', arguments)} ended with {process.ExitCode}: {await output}{await errors}");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }
}
