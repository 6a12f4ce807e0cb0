using System.Diagnostics;

namespace MtaTls.FunctionalTests.Support;

/// <summary>A program of another hand.</summary>
internal static class Tool
{
    public static async Task<(int ExitCode, string Output)> RunAsync(string program, string input, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = StartOrSkip(start);
        using CancellationTokenSource hang = new(Patience.Long);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(hang.Token), error = process.StandardError.ReadToEndAsync(hang.Token);
            await process.StandardInput.WriteAsync(input.AsMemory(), hang.Token);
            process.StandardInput.Close();
            await process.WaitForExitAsync(hang.Token);
            return (process.ExitCode, await output + await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }

    private static Process StartOrSkip(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Skip.If(true, $"{start.FileName} is not installed.");
            throw;
        }
    }
}
