using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Server;

/// <summary>Pebble, the small ACME server of Let's Encrypt, with a name server that resolves every name to this machine.</summary>
internal sealed class Pebble : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly List<Process> _processes = [];
    private readonly int _management = FreePort.Find();

    private Pebble(DirectoryInfo folder) => _folder = folder;

    /// <summary>The port of 127.0.0.1 on which the ACME server listens.</summary>
    public int Port { get; } = FreePort.Find();

    /// <summary>Starts pebble, or skips the test if it is not installed.</summary>
    /// <param name="httpPort">The port to which pebble sends the challenges of every name; a public authority uses port 80.</param>
    public static async Task<Pebble> StartAsync(int httpPort)
    {
        Pebble pebble = new(Directory.CreateTempSubdirectory("mtatls-pebble-"));
        try
        {
            PemFiles.Write(pebble._folder.FullName, "pebble", TestCertificates.Server);
            string configuration = Path.Combine(pebble._folder.FullName, "pebble.json");
            await File.WriteAllTextAsync(configuration, $$"""
                { "pebble": {
                  "listenAddress": "127.0.0.1:{{pebble.Port}}", "managementListenAddress": "127.0.0.1:{{pebble._management}}",
                  "certificate": "{{pebble._folder.FullName}}/pebble.pem", "privateKey": "{{pebble._folder.FullName}}/pebble.key",
                  "httpPort": {{httpPort}}, "tlsPort": 1, "ocspResponderURL": "", "externalAccountBindingRequired": false } }
                """);
            string dns = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{FreePort.Find()}");
            pebble.Start("pebble-challtestsrv", "-dns01", dns, "-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", "", "-management", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{FreePort.Find()}"));
            pebble.Start("pebble", "-config", configuration, "-dnsserver", dns, "-strict");
            await pebble.WaitAsync();
            return pebble;
        }
        catch
        {
            await pebble.DisposeAsync();
            throw;
        }
    }

    /// <summary>Returns the root of its certificates, which is new at each start.</summary>
    public async Task<X509Certificate2> GetRootAsync()
    {
        using HttpClient client = new(new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = TestCertificates.TrustRoot() } });
        return X509Certificate2.CreateFromPem(await client.GetStringAsync(new Uri($"https://localhost:{_management}/roots/0")).Soon());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Process process in _processes)
        {
            if (!process.HasExited)
            {
                process.Kill();
            }

            await process.WaitForExitAsync().Soon();
            process.Dispose();
        }

        _folder.Delete(recursive: true);
    }

    private void Start(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["PEBBLE_VA_NOSLEEP"] = "1", ["PEBBLE_WFE_NONCEREJECT"] = "0" } };
        try
        {
            Process process = Process.Start(start)!;
            process.OutputDataReceived += static (_, _) => { };
            process.ErrorDataReceived += static (_, _) => { };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            _processes.Add(process);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip($"{program} is not installed.");
        }
    }

    private async Task WaitAsync()
    {
        using CancellationTokenSource hang = new(Wait.Timeout);
        foreach (int port in (int[])[Port, _management])
        {
            while (true)
            {
                Assert.DoesNotContain(_processes, static p => p.HasExited);
                using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                try
                {
                    await socket.ConnectAsync(IPAddress.Loopback, port, hang.Token);
                    break;
                }
                catch (SocketException)
                {
                    await Task.Delay(20, hang.Token);
                }
            }
        }
    }
}
