using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Stress.Server;

/// <summary>The server's files: its settings and its certificate, which change while it runs.</summary>
internal sealed class ServerSettings : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mtatls-stress-");
    private readonly int _port = FreePort.Find(), _extraPort = FreePort.Find();
    private readonly int _echoPort;
    private readonly string _limits;
    private int _changes, _renewals;

    public ServerSettings(int echoPort, bool isLimited)
    {
        _echoPort = echoPort;

        // A handshake may take long on a busy machine, which is no defect.
        _limits = isLimited ? """{ "HandshakeTimeout": "00:00:03", "MaxSessions": 100, "MaxHandshakes": 50 }""" : """{ "HandshakeTimeout": "00:01:00" }""";
        Renew();
        Change();
    }

    public string ContentRoot => _directory.FullName;

    public int Port => _port;

    /// <summary>Writes another certificate of the same authority, with a new key, to the same files.</summary>
    public string Renew()
    {
        using X509Certificate2 certificate = TestCertificates.Issue("CN=localhost", TestCertificates.Root, "1.3.6.1.5.5.7.3.1", ["localhost"], rsa: _renewals++ % 4 == 3);
        Replace("server.key", certificate.GetECDsaPrivateKey()?.ExportPkcs8PrivateKeyPem() ?? certificate.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
        Replace("server.pem", certificate.ExportCertificatePem());
        return $"certificate {_renewals}";
    }

    /// <summary>Writes the next settings, which add and remove routes and a second endpoint. Every fifth is invalid and must change nothing.</summary>
    public string Change()
    {
        int change = _changes++;
        string extra = change % 2 == 0 ? "" : Endpoint("Extra", _extraPort) + ",";
        string action = change % 5 == 4 ? "Nowhere" : "Reject";
        Replace("appsettings.json", $$"""
            { "MtaTls": {
              "Limits": {{_limits}},
              "Endpoints": { {{extra}} {{Endpoint("Public", _port)}} },
              "Channels": [
                { "Name": "echo", "Hosts": [ "echo.internal" ], "Action": "Tcp", "Upstream": "127.0.0.1:{{_echoPort}}", "AllowAnonymous": true },
                { "Name": "change{{change}}", "Hosts": [ "change{{change}}.internal" ], "Action": "{{action}}" } ] } }
            """);
        return $"settings {change}";
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private static string Endpoint(string name, int port) => $$"""
        "{{name}}": { "Url": "https://127.0.0.1:{{port}}", "Certificate": { "Path": "server.pem", "KeyPath": "server.key" } }
        """;

    // In one step, as tools that renew certificates do.
    private void Replace(string name, string text)
    {
        string path = Path.Combine(ContentRoot, name);
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }
}
