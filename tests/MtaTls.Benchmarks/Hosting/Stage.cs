using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using MtaTls.Benchmarks.Network;
using MtaTls.Benchmarks.Server;
using MtaTls.Benchmarks.Work;

namespace MtaTls.Benchmarks.Hosting;

/// <summary>The server processes and the client process of one contender.</summary>
internal sealed class Stage : IAsyncDisposable
{
    private readonly ChildProcess _serverProcess;
    private readonly ChildProcess _clientProcess;
    private readonly SshDaemon? _ssh;

    private Stage(Contender contender, ServerInfo server, ChildProcess serverProcess, ChildProcess clientProcess, SshDaemon? ssh)
    {
        Contender = contender;
        Server = server;
        _serverProcess = serverProcess;
        _clientProcess = clientProcess;
        _ssh = ssh;
    }

    public Contender Contender { get; }

    public ServerInfo Server { get; }

    public static async Task<Stage> StartAsync(Contender contender, string directory, string? networkNamespace, CancellationToken ct)
    {
        var serverProcess = ChildProcess.Start(networkNamespace, "serve", contender.ToString(), CertificateFile(directory), networkNamespace is null ? "127.0.0.1" : PacketLink.NearAddress);
        SshDaemon? ssh = null;
        try
        {
            ServerInfo server = JsonSerializer.Deserialize(await serverProcess.ReadLineAsync(TimeSpan.FromSeconds(30), ct), ServerJson.Default.ServerInfo)!;
            if (contender == Contender.Ssh)
            {
                ssh = await SshDaemon.StartAsync(directory, ct);
                server = server with { Port = ssh.Port, ProcessIds = [.. server.ProcessIds, ssh.ProcessId], SshKeyFile = ssh.KeyFile };
            }

            var clientProcess = ChildProcess.Start(networkNamespace, "drive", contender.ToString(), JsonSerializer.Serialize(server, ServerJson.Default.ServerInfo));
            return new(contender, server, serverProcess, clientProcess, ssh);
        }
        catch
        {
            if (ssh is not null)
            {
                await ssh.DisposeAsync();
            }

            await serverProcess.DisposeAsync();
            throw;
        }
    }

    public async Task<WorkResult> RunAsync(WorkRequest request, CancellationToken ct)
    {
        await _clientProcess.WriteLineAsync(JsonSerializer.Serialize(request, WorkJson.Default.WorkRequest));
        string line = await _clientProcess.ReadLineAsync(TimeSpan.FromMinutes(3), ct);
        return JsonSerializer.Deserialize(line, WorkJson.Default.WorkResult)!;
    }

    public async ValueTask DisposeAsync()
    {
        await _clientProcess.DisposeAsync();
        if (_ssh is not null)
        {
            await _ssh.DisposeAsync();
        }

        await _serverProcess.DisposeAsync();
    }

    // ECDSA P-256, self-signed, created for the run.
    public static string CertificateFile(string directory)
    {
        string file = Path.Combine(directory, "server.pfx");
        if (File.Exists(file))
        {
            return file;
        }

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        File.WriteAllBytes(file, certificate.Export(X509ContentType.Pkcs12));
        return file;
    }
}
