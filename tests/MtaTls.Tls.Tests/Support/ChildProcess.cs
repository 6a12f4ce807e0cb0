using System.Diagnostics;
using System.Reflection;

namespace MtaTls.Tls.Tests.Support;

/// <summary>Runs a test project as a separate process, whose <c>Program</c> stands for an application.</summary>
internal static class ChildProcess
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromMinutes(4);

    /// <summary>Runs it to its end and checks its exit code.</summary>
    public static async Task RunAsync(Assembly tests, int exitCode, Dictionary<string, string> environment, params string[] arguments)
    {
        // The runner can have started this process by its own executable or by dotnet.
        string program = Environment.ProcessPath!;
        bool dotnet = Path.GetFileNameWithoutExtension(program) == "dotnet";
        var start = new ProcessStartInfo(program, dotnet ? ["exec", tests.Location, .. arguments] : arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        using var hang = new CancellationTokenSource(s_timeout);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(hang.Token), errors = process.StandardError.ReadToEndAsync(hang.Token);
            await process.WaitForExitAsync(hang.Token);
            Assert.True(process.ExitCode == exitCode, $"{string.Join(' ', arguments)} ended with {process.ExitCode}: {await output}{await errors}");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }
}
