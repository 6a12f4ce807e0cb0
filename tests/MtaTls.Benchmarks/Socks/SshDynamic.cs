using System.Globalization;
using MtaTls.Benchmarks.Hosting;
using MtaTls.Benchmarks.Measuring;
using MtaTls.Benchmarks.Tunnels;

namespace MtaTls.Benchmarks.Socks;

/// <summary><c>ssh -D</c> to an sshd that the benchmark starts, both with their default ciphers.</summary>
internal sealed class SshDynamic : ISocksProxy
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mtatls-bench-ssh-");
    private SshDaemon? _daemon;
    private HostedProcess? _ssh;

    private SshDynamic()
    {
    }

    public string Title => "ssh -D";

    public int Port { get; } = FreePort.Find();

    public string TargetHost => "127.0.0.1";

    public IReadOnlyList<int> LocalProcesses => [_ssh!.Id];

    public IReadOnlyList<int> ServerProcesses => [_daemon!.ProcessId];

    public static async Task<ISocksProxy> StartAsync(CancellationToken ct)
    {
        SshDynamic proxy = new();
        try
        {
            proxy._daemon = await SshDaemon.StartAsync(proxy._folder.FullName, ct);
            proxy._ssh = HostedProcess.Start(
                "ssh",
                [
                    "-F", "none", "-q", "-N", "-i", proxy._daemon.KeyFile, "-p", proxy._daemon.Port.ToString(CultureInfo.InvariantCulture), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
                    "-o", "UserKnownHostsFile=/dev/null", "-o", "ExitOnForwardFailure=yes", "-D", $"127.0.0.1:{proxy.Port}", $"{Environment.UserName}@127.0.0.1",
                ]);
            await proxy._ssh.ListensAsync(proxy.Port, ct);
            return proxy;
        }
        catch
        {
            await proxy.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_ssh is not null)
        {
            await _ssh.DisposeAsync();
        }

        if (_daemon is not null)
        {
            await _daemon.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }
}
