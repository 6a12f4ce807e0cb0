using System.Globalization;
using MtaTls.Benchmarks.Carriers;
using MtaTls.Benchmarks.Hosting;
using MtaTls.Benchmarks.Measuring;

namespace MtaTls.Benchmarks.Tunnels;

/// <summary><c>ssh -R</c> to an sshd that the benchmark starts. Each public connection is an SSH channel.</summary>
internal sealed class SshTunnel(int appProcess) : ITunnel
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mtatls-bench-ssh-");
    private SshDaemon? _daemon;
    private HostedProcess? _ssh;

    public string Title => "OpenSSH -R";

    public int Port { get; } = FreePort.Find();

    public string Host => "localhost";

    public IEnumerable<int> ProcessIds => [_daemon!.ProcessId, _ssh!.Id, appProcess];

    public static async Task<SshTunnel> StartAsync(int appPort, int appProcess, CancellationToken ct)
    {
        SshTunnel tunnel = new(appProcess);
        try
        {
            tunnel._daemon = await SshDaemon.StartAsync(tunnel._folder.FullName, ct, allowRemote: true);
            tunnel._ssh = HostedProcess.Start(
                "ssh",
                [
                    "-F", "none", "-q", "-N", "-i", tunnel._daemon.KeyFile, "-p", tunnel._daemon.Port.ToString(CultureInfo.InvariantCulture), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
                    "-o", "UserKnownHostsFile=/dev/null", "-o", "ExitOnForwardFailure=yes", "-R", $"127.0.0.1:{tunnel.Port}:127.0.0.1:{appPort}", $"{Environment.UserName}@127.0.0.1",
                ]);
            await tunnel._ssh.ListensAsync(tunnel.Port, ct);
            return tunnel;
        }
        catch
        {
            await tunnel.DisposeAsync();
            throw;
        }
    }

    public ValueTask<Stream> OpenAsync(CancellationToken ct) => new SocketCarrier(Port).OpenAsync(ct);

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
