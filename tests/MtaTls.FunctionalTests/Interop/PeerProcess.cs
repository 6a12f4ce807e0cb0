using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Interop;

/// <summary>One run of <c>peer.py</c>, another implementation of MTA-TLS, in Python over OpenSSL.</summary>
internal sealed class PeerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    private PeerProcess(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>The port on which a peer in the server's role listens.</summary>
    public int Port { get; private set; }

    /// <summary>The number of sessions for which a peer in the server's role waits.</summary>
    public int Sessions { get; private set; }

    /// <summary>Runs a case against a server to its end.</summary>
    public static async Task RunClientAsync(string name, string version, TestApp app)
    {
        string root = Path.Combine(app.ContentRoot, "root.pem");
        await File.WriteAllTextAsync(root, TestCertificates.Root.ExportCertificatePem());
        await using PeerProcess peer = Start("client", name, version, app.Port.ToString(CultureInfo.InvariantCulture), root);
        await peer.SucceedAsync();
    }

    /// <summary>Starts a case that waits for its client.</summary>
    public static async Task<PeerProcess> StartServerAsync(string name, string version, string directory)
    {
        PemFiles.Write(directory, "peer", TestCertificates.Server);
        PeerProcess peer = Start("server", name, version, Path.Combine(directory, "peer.pem"), Path.Combine(directory, "peer.key"));
        try
        {
            string? port = await peer._process.StandardOutput.ReadLineAsync().Soon();
            if (port is null)
            {
                await peer.SucceedAsync();
            }

            int[] numbers = [.. port!.Split(' ').Select(n => int.Parse(n, CultureInfo.InvariantCulture))];
            (peer.Port, peer.Sessions) = (numbers[0], numbers[1]);
            return peer;
        }
        catch
        {
            await peer.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits for the end of the case, and checks that the peer found no violated rule.</summary>
    public async Task SucceedAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(100));
        string errors = await _errors;
        Assert.SkipWhen(_process.ExitCode == 77, "libssl.so.3 is not installed.");
        Assert.True(_process.ExitCode == 0, errors);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static PeerProcess Start(params string[] arguments)
    {
        Assert.SkipUnless(NativeLibrary.TryLoad("libssl.so.3", out _), "libssl.so.3 is not installed.");
        ProcessStartInfo start = new("python3", ["-B", Path.Combine(AppContext.BaseDirectory, "Interop", "peer.py"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            return new PeerProcess(Process.Start(start)!);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("python3 is not installed.");
            throw;
        }
    }
}
