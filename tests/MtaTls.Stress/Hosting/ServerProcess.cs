using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace MtaTls.Stress.Hosting;

/// <summary>This program as the server, in a child process. It answers each line with a line, and exits when its standard input is closed.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly SemaphoreSlim _turn = new(1);

    private ServerProcess(Process process) => _process = process;

    public int Port { get; private set; }

    public X509ChainPolicy Trust { get; private set; } = new();

    public static async Task<ServerProcess> StartAsync(bool isLimited = false)
    {
        string program = Environment.ProcessPath!;
        ProcessStartInfo start = new(program) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(typeof(ServerProcess).Assembly.Location);
        }

        start.ArgumentList.Add(isLimited ? "limited-server" : "server");
        ServerProcess server = new(Process.Start(start)!);
        ServerInfo info = JsonSerializer.Deserialize<ServerInfo>(await server.ReadLineAsync())!;
        server.Port = info.Port;
        server.Trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        server.Trust.CustomTrustStore.Add(X509CertificateLoader.LoadCertificate(info.Root));
        return server;
    }

    public async Task<ProcessSample> SampleAsync(bool collect = false) =>
        JsonSerializer.Deserialize<ProcessSample>(await AskAsync(collect ? "collect" : "sample"))!;

    /// <summary>Renews the certificate or changes the configuration while the server runs, and returns a description.</summary>
    public Task<string> ReloadAsync(string what) => AskAsync(what);

    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close();
            using CancellationTokenSource timeout = new(TimeSpan.FromSeconds(40));
            await _process.WaitForExitAsync(timeout.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
        _turn.Dispose();
    }

    private async Task<string> AskAsync(string line)
    {
        await _turn.WaitAsync();
        try
        {
            await _process.StandardInput.WriteLineAsync(line);
            await _process.StandardInput.FlushAsync();
            return await ReadLineAsync();
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<string> ReadLineAsync()
    {
        using CancellationTokenSource timeout = new(s_timeout);
        return await _process.StandardOutput.ReadLineAsync(timeout.Token) ?? throw new IOException("The server has ended.");
    }
}
