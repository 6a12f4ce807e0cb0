using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tool.Tests.Support;

namespace MtaTls.Tool.Tests.Programs;

/// <summary>The live page of <c>mtatls serve</c>.</summary>
public sealed class LivePageTests : IDisposable
{
    private const string Password = "a password of more than sixteen";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mtatls-page");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task It_is_on_its_own_port_behind_its_password()
    {
        int port = FreePort.Find();
        await using RunningProgram serve = Serve(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"), Password);
        await serve.LineAsync(static line => line == "mtatls: ready.");
        using HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/")) };
        foreach (string path in (string[])["", "app.js", "api/snapshot", "api/stream"])
        {
            using HttpResponseMessage anonymous = await http.GetAsync(new Uri(path, UriKind.Relative));
            Assert.Equal(HttpStatusCode.Unauthorized, anonymous.StatusCode);
            Assert.Equal("Basic", Assert.Single(anonymous.Headers.WwwAuthenticate).Scheme);
            Assert.Empty(await anonymous.Content.ReadAsByteArrayAsync());
        }

        foreach (string wrong in (string[])["", "wrong", $"{Password}!"])
        {
            http.DefaultRequestHeaders.Authorization = Basic(wrong);
            using HttpResponseMessage refused = await http.GetAsync(new Uri("api/snapshot", UriKind.Relative));
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        http.DefaultRequestHeaders.Authorization = Basic(Password);
        JsonNode frame = JsonNode.Parse(await http.GetStringAsync(new Uri("api/snapshot", UriKind.Relative)))!;
        Assert.True((bool)frame["canAct"]!);
        Assert.Contains("MTA-TLS", await http.GetStringAsync(new Uri("", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://0.0.0.0:8082", Password, "Gateway:Page:Url")]
    [InlineData("https://127.0.0.1:8082", Password, "Gateway:Page:Url")]
    [InlineData("nonsense", Password, "Gateway:Page:Url")]
    [InlineData("http://127.0.0.1:8082", "too short", "Gateway:Page:Password")]
    [InlineData("http://127.0.0.1:8082", null, "Gateway:Page:Password")]
    public async Task Wrong_settings_are_named(string url, string? password, string key)
    {
        await using RunningProgram serve = Serve(url, password);
        await serve.LineAsync(line => line.Contains(key, StringComparison.Ordinal));
        Assert.Equal(2, await serve.ExitAsync());
    }

    private static AuthenticationHeaderValue Basic(string password) => new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"operator:{password}")));

    private RunningProgram Serve(string url, string? password)
    {
        string configuration = Path.Combine(_folder.FullName, "appsettings.json");
        File.WriteAllText(configuration, new JsonObject { ["Gateway"] = new JsonObject { ["Page"] = new JsonObject { ["Url"] = url, ["Password"] = password, ["AllowActions"] = true } } }.ToJsonString());
        return RunningProgram.Mtatls("serve", "--config", configuration, "--socket", Path.Combine(_folder.FullName, "gateway.sock"));
    }
}
