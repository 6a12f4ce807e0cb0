using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Repository.Tests.Packages;

/// <summary>The templates as users get them: installed from the package, built with the packages of the same version, and started.</summary>
[Collection(PackedPackages.Collection)]
public sealed class TemplateTests(PackedPackages packages)
{
    [Theory]
    [InlineData("mtatls-server", "speaks MTA-TLS")]
    [InlineData("mtatls-gateway", "speaks MTA-TLS")]
    [InlineData("mtatls-agent", "app1.internal")]
    public async Task A_new_application_builds_without_a_warning_and_starts(string template, string line)
    {
        string folder = packages.CreateConsumerFolder(template);
        // The templates are installed into a test folder, not for the user.
        var environment = new Dictionary<string, string> { ["DOTNET_CLI_HOME"] = folder, ["NUGET_PACKAGES"] = packages.Cache };
        await Command.RunAsync(folder, "dotnet", ["new", "install", Path.Combine(packages.Folder, $"MtaTls.Templates.{packages.Version}.nupkg")], environment);
        await Command.RunAsync(folder, "dotnet", ["new", template, "-o", "My.App"], environment);
        string output = Path.Combine(folder, "out");
        await Command.RunAsync(folder, "dotnet", ["build", "My.App", "-c", "Release", "-o", output, "-p:TreatWarningsAsErrors=true", "-nodeReuse:false", "-p:UseSharedCompilation=false", "-nologo"], environment);

        (environment["Kestrel__Certificates__Default__Path"], environment["Kestrel__Certificates__Default__KeyPath"]) = WriteCertificate(folder);
        if (template == "mtatls-server")
        {
            environment["ASPNETCORE_URLS"] = "https://127.0.0.1:0";
        }
        else if (template == "mtatls-gateway")
        {
            environment["MtaTls__Endpoints__Public__Url"] = "https://127.0.0.1:0";
        }

        using Process process = Command.Start(Path.Combine(folder, "My.App"), "dotnet", [Path.Combine(output, "My.App.dll")], environment);
        try
        {
            List<string> lines = [];
            while (await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(10)) is { } written)
            {
                lines.Add(written);
                if (written.Contains(line, StringComparison.Ordinal))
                {
                    return;
                }
            }

            Assert.Fail($"The application ended without the line:\n{string.Join('\n', lines)}{await process.StandardError.ReadToEndAsync()}");
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }

    private static (string Path, string KeyPath) WriteCertificate(string folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
        (string path, string keyPath) = (Path.Combine(folder, "server.pem"), Path.Combine(folder, "server.key"));
        File.WriteAllText(path, certificate.ExportCertificatePem());
        File.WriteAllText(keyPath, key.ExportPkcs8PrivateKeyPem());
        return (path, keyPath);
    }
}
