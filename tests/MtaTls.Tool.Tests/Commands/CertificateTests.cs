using MtaTls.Tool.Output;
using MtaTls.Tool.Tests.Support;

namespace MtaTls.Tool.Tests.Commands;

public sealed class CertificateTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mtatls-cert").FullName;

    [Fact]
    public async Task Openssl_verifies_what_the_authority_signs()
    {
        await MakeAsync("ca");
        await MakeAsync("server", "gw.example", "10.0.0.1");
        await MakeAsync("client", "uri-is-not-a-name.example", "spiffe://example.org/plant7", "me@example.org", "--file", "plant7");
        await VerifyAsync("sslserver", "server.pem");
        await VerifyAsync("sslclient", "plant7.pem");
        await MakeAsync("node", "spiffe://example.org/gateway");
        await VerifyAsync("sslserver", "node.pem");
        await VerifyAsync("sslclient", "node.pem");
        (int code, string text) = await RunningProgram.RunAsync("openssl", ["x509", "-in", Path.Combine(_folder, "plant7.pem"), "-noout", "-ext", "subjectAltName"]);
        Assert.Equal(0, code);
        Assert.Contains("URI:spiffe://example.org/plant7", text, StringComparison.Ordinal);
        Assert.Contains("email:me@example.org", text, StringComparison.Ordinal);
    }

    // As conditions on certificates write them: "SubjectAlternativeNames": [ "uri:spiffe://example.org/plant7" ].
    [Fact]
    public async Task Names_may_have_the_prefixes_of_conditions()
    {
        await MakeAsync("ca");
        await MakeAsync("client", "uri:spiffe://example.org/plant7", "dns:worker.internal", "ip:192.0.2.1", "email:me@example.org", "2001:db8::1");
        (int code, string text) = await RunningProgram.RunAsync("openssl", ["x509", "-in", Path.Combine(_folder, "client.pem"), "-noout", "-subject", "-ext", "subjectAltName"]);
        Assert.Equal(0, code);
        foreach (string name in (string[])["CN = spiffe://example.org/plant7", "URI:spiffe://example.org/plant7", "DNS:worker.internal", "IP Address:192.0.2.1", "email:me@example.org", "IP Address:2001:DB8:0:0:0:0:0:1"])
        {
            Assert.Contains(name, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Only_its_owner_can_read_a_key()
    {
        await MakeAsync("ca");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_folder, "ca.key")));
    }

    [Fact]
    public async Task Files_are_replaced_only_with_force()
    {
        await MakeAsync("ca");
        string before = await File.ReadAllTextAsync(Path.Combine(_folder, "ca.key"));
        (int code, string output) = await RunningProgram.RunMtatlsAsync("cert", "ca", "-o", _folder);
        Assert.Equal(ExitCode.Failure, code);
        Assert.Contains("--force", output, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllTextAsync(Path.Combine(_folder, "ca.key")));
        await MakeAsync("ca", "--force");
        Assert.NotEqual(before, await File.ReadAllTextAsync(Path.Combine(_folder, "ca.key")));
    }

    [Fact]
    public async Task Without_an_authority_the_error_says_what_to_do()
    {
        (int code, string output) = await RunningProgram.RunMtatlsAsync("cert", "server", "gw.example", "-o", _folder);
        Assert.Equal(ExitCode.Failure, code);
        Assert.Contains("mtatls cert ca", output, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task MakeAsync(params string[] arguments)
    {
        (int code, string output) = await RunningProgram.RunMtatlsAsync(["cert", .. arguments, "-o", _folder]);
        Assert.True(code == 0, output);
    }

    private async Task VerifyAsync(string purpose, string file)
    {
        (int code, string output) = await RunningProgram.RunAsync("openssl", ["verify", "-purpose", purpose, "-x509_strict", "-CAfile", Path.Combine(_folder, "ca.pem"), Path.Combine(_folder, file)]);
        Assert.True(code == 0, output);
    }
}
