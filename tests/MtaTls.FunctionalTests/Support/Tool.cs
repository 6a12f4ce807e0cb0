using System.Diagnostics;

namespace MtaTls.FunctionalTests.Support;

/// <summary>Runs other programs.</summary>
internal static class Tool
{
    public static Task<(int ExitCode, string Output)> RunAsync(string program, string input, params string[] arguments) => RunAsync(program, input, endsInput: true, arguments);

    /// <summary>Runs a program to its end.</summary>
    /// <param name="program">Its name. If it is not installed, the test is skipped.</param>
    /// <param name="input">The text of its standard input.</param>
    /// <param name="endsInput">Whether its input is closed after that, or stays open until the program ends.</param>
    /// <param name="arguments">Its arguments.</param>
    public static async Task<(int ExitCode, string Output)> RunAsync(string program, string input, bool endsInput, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = StartOrSkip(start);
        using CancellationTokenSource hang = new(Wait.LongTimeout);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(hang.Token), error = process.StandardError.ReadToEndAsync(hang.Token);
            try
            {
                await process.StandardInput.WriteAsync(input.AsMemory(), hang.Token);
                await process.StandardInput.FlushAsync(hang.Token);
                if (endsInput)
                {
                    process.StandardInput.Close();
                }
            }
            catch (IOException)
            {
                // The program has ended without reading its input.
            }

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
            Assert.Skip($"{start.FileName} is not installed.");
            throw;
        }
    }
}
