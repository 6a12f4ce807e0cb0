using System.Diagnostics;
using System.Net.Sockets;
using MtaTls.Benchmarks.Carriers;
using MtaTls.Benchmarks.Measuring;

namespace MtaTls.Benchmarks.Hosting;

/// <summary>An sshd that the benchmark starts: on the loopback only, with keys made for this run, without the machine's configuration.</summary>
internal sealed class SshDaemon : IAsyncDisposable
{
    private const string Program = "/usr/sbin/sshd";

    private readonly Process _process;

    private SshDaemon(Process process, int port, string keyFile)
    {
        _process = process;
        Port = port;
        KeyFile = keyFile;
    }

    public int Port { get; }

    public int ProcessId => _process.Id;

    public string KeyFile { get; }

    /// <summary>Returns why sshd cannot run on this machine; null if it can.</summary>
    public static string? WhyNot() =>
        !File.Exists(Program) ? "openssh-server is not installed" :
        !FindOnPath("ssh") || !FindOnPath("ssh-keygen") ? "openssh-client is not installed" : null;

    public static async Task<SshDaemon> StartAsync(string directory, CancellationToken ct, bool allowRemote = false)
    {
        string hostKey = await CreateKeyAsync(Path.Combine(directory, "host_key"), ct);
        string clientKey = await CreateKeyAsync(Path.Combine(directory, "client_key"), ct);
        string authorized = Path.Combine(directory, "authorized_keys");
        File.Copy(clientKey + ".pub", authorized, overwrite: true);
        if (Environment.UserName == "root")
        {
            Directory.CreateDirectory("/run/sshd"); // the empty directory for privilege separation
        }

        int port = FreePort.Find();
        string configuration = Path.Combine(directory, "sshd_config");
        await File.WriteAllTextAsync(
            configuration,
            $"""
            ListenAddress 127.0.0.1:{port}
            HostKey {hostKey}
            AuthorizedKeysFile {authorized}
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            PermitRootLogin prohibit-password
            AllowTcpForwarding {(allowRemote ? "remote" : "local")}
            LogLevel ERROR

            """,
            ct);
        Process process = Process.Start(new ProcessStartInfo(Program, ["-D", "-e", "-f", configuration]))!;
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                await using Stream probe = await new SocketCarrier(port).OpenAsync(ct);
                return new(process, port, clientKey);
            }
            catch (SocketException) when (attempt < 200 && !process.HasExited)
            {
                await Task.Delay(20, ct);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static async Task<string> CreateKeyAsync(string file, CancellationToken ct)
    {
        File.Delete(file);
        using Process process = Process.Start(new ProcessStartInfo("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]))!;
        await process.WaitForExitAsync(ct);
        return file;
    }

    private static bool FindOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(directory => File.Exists(Path.Combine(directory, program)));
}
