using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using MtaTls.Benchmarks.Measuring;

namespace MtaTls.Benchmarks.Carriers;

/// <summary>Each stream is a TCP connection to a local <c>ssh -L</c>, which forwards it as a channel of one SSH connection.</summary>
internal sealed class SshCarrier : ICarrier
{
    private readonly Process _ssh;
    private readonly SocketCarrier _sockets;

    private SshCarrier(Process ssh, int localPort)
    {
        _ssh = ssh;
        _sockets = new(localPort);
    }

    public int ProcessId => _ssh.Id;

    public static async ValueTask<SshCarrier> ConnectAsync(int sshPort, int webPort, string keyFile, CancellationToken ct)
    {
        int localPort = FreePort.Find();
        var start = new ProcessStartInfo("ssh") { RedirectStandardInput = true };
        string[] arguments =
        [
            "-F", "none", "-q", "-N", "-i", keyFile, "-p", sshPort.ToString(CultureInfo.InvariantCulture),
            "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ExitOnForwardFailure=yes",
            "-L", $"127.0.0.1:{localPort}:127.0.0.1:{webPort}", $"{Environment.UserName}@127.0.0.1",
        ];
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        Process ssh = Process.Start(start)!;
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                await using Stream probe = await new SocketCarrier(localPort).OpenAsync(ct);
                return new(ssh, localPort);
            }
            catch (SocketException) when (attempt < 500 && !ssh.HasExited)
            {
                await Task.Delay(20, ct);
            }
            catch
            {
                ssh.Kill();
                throw;
            }
        }
    }

    public ValueTask<Stream> OpenAsync(CancellationToken ct) => _sockets.OpenAsync(ct);

    public async ValueTask DisposeAsync()
    {
        if (!_ssh.HasExited)
        {
            _ssh.Kill();
        }

        await _ssh.WaitForExitAsync();
        _ssh.Dispose();
    }
}
