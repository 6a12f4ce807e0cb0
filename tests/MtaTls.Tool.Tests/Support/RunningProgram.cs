using System.Diagnostics;
using System.Globalization;

namespace MtaTls.Tool.Tests.Support;

/// <summary>A running program, with its output so far.</summary>
internal sealed class RunningProgram : IAsyncDisposable
{
    private static readonly string s_command = Path.Combine(AppContext.BaseDirectory, "mtatls.dll");

    private readonly Process _process;
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];
    private readonly List<(Func<string, bool> Condition, TaskCompletionSource<string> Found)> _waiting = [];
    private readonly Task _reading;

    private RunningProgram(Process process)
    {
        _process = process;
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
    }

    /// <summary>All lines, of both outputs.</summary>
    public string Output
    {
        get
        {
            lock (_lock)
            {
                return string.Join('\n', _lines);
            }
        }
    }

    public int Id => _process.Id;

    /// <summary>Starts the command mtatls.</summary>
    public static RunningProgram Mtatls(params string[] arguments) => Start("dotnet", [s_command, .. arguments]);

    /// <summary>Starts the command mtatls with environment variables.</summary>
    public static RunningProgram Mtatls(IReadOnlyDictionary<string, string> environment, params string[] arguments) => Start("dotnet", [s_command, .. arguments], environment);

    /// <summary>The words that start the command, for programs that start it themselves.</summary>
    public static string MtatlsCommandLine => $"dotnet {s_command}";

    /// <summary>Starts a program, or skips the test if it is not installed.</summary>
    public static RunningProgram Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? folder = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder ?? "" };
        start.Environment["NO_COLOR"] = "1";
        foreach (string name in start.Environment.Keys.Where(static n => n.StartsWith("MTATLS_", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        // On a busy machine a process may not run for longer than the defaults of these options.
        start.Environment["MTATLS_CONNECT_TIMEOUT"] = "120s";
        start.Environment["MTATLS_KEEPALIVE"] = "600s";
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        try
        {
            return new RunningProgram(Process.Start(start)!);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip($"{program} is not installed.");
            throw;
        }
    }

    /// <summary>Runs the command mtatls to its end.</summary>
    public static Task<(int ExitCode, string Output)> RunMtatlsAsync(params string[] arguments) => RunAsync("dotnet", [s_command, .. arguments]);

    /// <summary>Runs a program to its end.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string program, IEnumerable<string> arguments, string input = "", IReadOnlyDictionary<string, string>? environment = null, string? folder = null)
    {
        await using RunningProgram running = Start(program, arguments, environment, folder);
        try
        {
            await running._process.StandardInput.WriteAsync(input);
            running._process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The program reads no input.
        }

        return (await running.ExitAsync(), running.Output);
    }

    /// <summary>Waits for a line.</summary>
    public async Task<string> LineAsync(Func<string, bool> condition)
    {
        TaskCompletionSource<string> found = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_lines.FirstOrDefault(condition) is { } line)
            {
                return line;
            }

            _waiting.Add((condition, found));
        }

        await Task.WhenAny(found.Task, _reading, Task.Delay(Wait.Timeout));
        Assert.True(found.Task.IsCompleted, $"The program has not written the line:\n{Output}");
        return await found.Task;
    }

    /// <summary>Waits for the program's end.</summary>
    public async Task<int> ExitAsync()
    {
        try
        {
            await _process.WaitForExitAsync().WaitAsync(Wait.Timeout);
            await _reading.WaitAsync(Wait.Timeout);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"The program does not end:\n{Output}");
        }

        return _process.ExitCode;
    }

    /// <summary>Sends a signal: TERM, INT, KILL.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _process.Dispose();
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (_lock)
            {
                _lines.Add(line);
                for (int i = _waiting.Count - 1; i >= 0; i--)
                {
                    if (_waiting[i].Condition(line))
                    {
                        _waiting[i].Found.TrySetResult(line);
                        _waiting.RemoveAt(i);
                    }
                }
            }
        }
    }
}
