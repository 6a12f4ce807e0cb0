using System.Diagnostics;

namespace MtaTls.Benchmarks.Hosting;

/// <summary>This program as a child process in another role. It reads and writes one line of JSON at a time, and exits when its standard input is closed.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;

    private ChildProcess(Process process) => _process = process;

    /// <summary>Starts the process, in a network namespace if one is given.</summary>
    public static ChildProcess Start(string? networkNamespace, params string[] arguments)
    {
        string program = Environment.ProcessPath!;
        var start = new ProcessStartInfo(networkNamespace is null ? program : "ip") { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (networkNamespace is not null)
        {
            foreach (string argument in new[] { "netns", "exec", networkNamespace, program })
            {
                start.ArgumentList.Add(argument);
            }
        }

        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(typeof(ChildProcess).Assembly.Location);
        }

        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return new(Process.Start(start)!);
    }

    /// <summary>Reads the next line of its output; throws if the process has exited or the line does not come in time.</summary>
    public async Task<string> ReadLineAsync(TimeSpan timeout, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(timeout);
        try
        {
            return await _process.StandardOutput.ReadLineAsync(limit.Token) ?? throw new IOException("A child process of the benchmark ended early.");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new TimeoutException($"A child process of the benchmark has written nothing for {timeout.TotalSeconds:0} s.");
        }
    }

    public async Task WriteLineAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Closes its standard input, and reads the next line.</summary>
    public async Task<string> EndAsync(TimeSpan timeout, CancellationToken ct)
    {
        _process.StandardInput.Close();
        return await ReadLineAsync(timeout, ct);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close();
            using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(3));
            await _process.WaitForExitAsync(timeout.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }
}
