using Microsoft.Extensions.Options;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Server;

/// <summary>An invalid configuration is logged with all its errors and fails the start of the host, before any endpoint listens.</summary>
public sealed class ConfigurationErrorTests
{
    [Fact]
    public async Task Every_error_is_logged_and_thrown_when_the_host_starts()
    {
        Dictionary<string, string?> settings = new()
        {
            ["MtaTls:ExtensionType"] = "70000",
            ["MtaTls:Limit:MaxChannels"] = "5",
            ["MtaTls:Endpoints:Public:Url"] = "http://127.0.0.1:0",
            ["MtaTls:Endpoints:Public:Certificate:Path"] = "missing.pem",
            ["MtaTls:Channels:0:Action"] = "Tcp",
        };
        // Building the application does not fail, because log entries may be lost at that time.
        await using var app = TestApp.Build(builder => builder.WebHost.UseMtaTls(), settings: settings);
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => app.App.StartAsync().Soon());
        string[] keys = ["MtaTls:ExtensionType", "MtaTls:Limit", "MtaTls:Endpoints:Public:Url", "MtaTls:Endpoints:Public:Certificate:Path", "MtaTls:Channels:0"];
        string log = Assert.Single(app.Logs.GetSnapshot(), r => r.Id.Name == "ConfigurationInvalid").Message;
        Assert.All(keys, key =>
        {
            Assert.Contains(key + ": ", error.Message, StringComparison.Ordinal);
            Assert.Contains(key + ": ", log, StringComparison.Ordinal);
        });
        Assert.Contains($"Certificate file '{Path.Combine(app.ContentRoot, "missing.pem")}' was not found.", log, StringComparison.Ordinal);
        Assert.Equal(LogLevel.Critical, app.Logs.GetSnapshot().Single(r => r.Id.Name == "ConfigurationInvalid").Level);
    }

    [Fact]
    public async Task The_error_of_a_missing_key_names_the_setting_and_the_file()
    {
        await using var app = TestApp.Build(
            builder => builder.WebHost.UseMtaTls(),
            settings: new() { ["MtaTls:Endpoints:Public:Url"] = "https://127.0.0.1:0", ["MtaTls:Endpoints:Public:Certificate:Path"] = "server.pem" },
            files: root => PemFiles.Write(root, "server", TestCertificates.Server));
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => app.App.StartAsync().Soon());
        Assert.Equal(
            $"MtaTls:Endpoints:Public:Certificate:KeyPath: is missing: '{Path.Combine(app.ContentRoot, "server.pem")}' has a certificate without its private key. Set the path of the key's file.",
            error.Message);
    }
}
