using System.Diagnostics;

namespace MtaTls.Benchmarks.Hosting;

/// <summary>This program again, in another role: one line of JSON in, one line of JSON out. It ends when its standard input does.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;

    private ChildProcess(Process process) => _process = process;

    /// <summary>Starts it, in a network namespace if one is named.</summary>
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

    /// <summary>The next line of its output; throws when it has ended or stays silent for too long.</summary>
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
            throw new TimeoutException($"A child process of the benchmark was silent for {timeout.TotalSeconds:0} s.");
        }
    }

    public async Task WriteLineAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Ends its standard input, and gives its next line.</summary>
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
