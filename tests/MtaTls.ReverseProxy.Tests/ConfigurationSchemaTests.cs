using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using MtaTls.AspNetCore;
using MtaTls.Client;
using MtaTls.Configuration;
using MtaTls.Protocol;
using NJsonSchema;

namespace MtaTls.ReverseProxy.Tests;

/// <summary>The schemas for editors that the packages ship: every appsettings.json of the repository is valid by them, and they say what the options say.</summary>
public class ConfigurationSchemaTests
{
    private static readonly string s_root = FindRoot();

    public static TheoryData<string> Files()
    {
        var data = new TheoryData<string>();
        foreach (string file in Directory.EnumerateFiles(s_root, "appsettings*.json", SearchOption.AllDirectories))
        {
            string path = Path.GetRelativePath(s_root, file);
            if (!path.Split(Path.DirectorySeparatorChar).Any(p => p is "bin" or "obj" or ".git"))
            {
                data.Add(path);
            }
        }

        return data;
    }

    [Fact]
    public void There_are_files_to_check() => Assert.NotEmpty(Files());

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Every_appsettings_file_is_valid(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(s_root, path)), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        foreach ((string package, JsonObject schema) in Schemas())
        {
            Assert.Equal((package, ""), (package, await ErrorsAsync(schema, document.RootElement.GetRawText())));
        }

        // Each schema knows its own part of the section; a key that none knows is a slip.
        if (document.RootElement.TryGetProperty("MtaTls", out JsonElement section))
        {
            var known = Schemas().SelectMany(s => s.Schema["properties"]!["MtaTls"]?["properties"]?.AsObject().Select(p => p.Key) ?? []).ToHashSet();
            Assert.All(section.EnumerateObject(), property => Assert.Contains(property.Name, known));
        }
    }

    [Theory]
    [InlineData("""{ "MtaTls": { "ExtensionType": 70000 } }""")]
    [InlineData("""{ "MtaTls": { "Limits": { "MaxChanelsPerSession": 1 } } }""")]
    [InlineData("""{ "MtaTls": { "Limits": { "HandshakeTimeout": "soon" } } }""")]
    [InlineData("""{ "MtaTls": { "Endpoints": { "Public": { "Url": "http://*:80" } } } }""")]
    [InlineData("""{ "MtaTls": { "Endpoints": { "Public": { } } } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "Host": "a.internal" } ] } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "Hosts": "a.internal" } ] } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "Action": "Forward" } ] } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "Action": "Tcp" } ] } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "Action": "Tcp", "AllowAnonymous": false } ] } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "Upstream": "a:1" } ] } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "ClientCertificate": { "Subject": "CN=a" } } ] } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "ClientCertificate": { "Thumbprints": [ "abc" ] } } ] } }""")]
    [InlineData("""{ "MtaTls": { "Tcp": { "MaxConnections": 0 } } }""")]
    [InlineData("""{ "MtaTls": { "AllowHostMismatch": "perhaps" } }""")]
    [InlineData("""{ "MtaTls": { "Destinations": { "a:80": "ftp://a" } } }""")]
    [InlineData("""{ "MtaTls": { "TrustedPeers": [ { } ] } }""")]
    [InlineData("""{ "MtaTlsClient": { "Prot": 443 } }""")]
    [InlineData("""{ "MtaTlsClient": { "Mode": "Never" } }""")]
    public async Task What_is_wrong_is_found(string json)
    {
        string errors = "";
        foreach ((string _, JsonObject schema) in Schemas())
        {
            errors += await ErrorsAsync(schema, json);
        }

        Assert.NotEqual("", errors);
    }

    [Theory]
    [InlineData("""{ "MtaTls": { "Channels": [ { "Hosts": [ "a.internal" ] }, { "Action": "Tcp", "AllowAnonymous": true, "Upstream": "a:1" }, { "Action": "Reject" } ] } }""")]
    [InlineData("""{ "MtaTls": { "Channels": [ { "Action": "Tcp", "ClientCertificate": { "Subject": "CN=a", "Issuer": "CN=b" }, "Ports": [ 1, "2-3" ] } ] } }""")]
    [InlineData("""{ "MtaTls": { "Destinations": { "a.internal:80": "http://10.0.0.5:5000" }, "TrustedPeers": [ { "Networks": [ "10.0.0.0/8" ] } ] } }""")]
    public async Task What_is_right_is_left_alone(string json)
    {
        foreach ((string package, JsonObject schema) in Schemas())
        {
            Assert.Equal((package, ""), (package, await ErrorsAsync(schema, json)));
        }
    }

    [Fact]
    public void The_schema_of_MtaTls_has_every_option_with_its_default()
    {
        JsonObject section = Section(Schemas().Single(s => s.Package == "MtaTls.AspNetCore").Schema);
        AssertSame(section, new MtaTlsOptions());
        AssertSame(section["Limits"]!["properties"]!.AsObject(), new MtaTlsLimits());
        AssertSame(section["Tcp"]!["properties"]!.AsObject(), new MtaTlsTcpOptions());
        AssertSame(section["EndpointDefaults"]!["properties"]!.AsObject(), new MtaTlsEndpointDefaults());
        JsonObject endpoint = section["Endpoints"]!["additionalProperties"]!["properties"]!.AsObject();
        AssertSame(endpoint, new MtaTlsEndpointOptions());
        AssertSame(endpoint["Certificate"]!["properties"]!.AsObject(), new CertificateOptions(), static p => p.Name is "Certificate" or "Intermediates");
        JsonObject route = section["Channels"]!["items"]!["properties"]!.AsObject();
        AssertSame(route, new ChannelRouteOptions());
        AssertSame(route["ClientCertificate"]!["properties"]!.AsObject(), new ClientCertificateConditionOptions());
    }

    [Fact]
    public void The_schema_of_the_reverse_proxy_has_every_option()
    {
        JsonObject section = Section(Schemas().Single(s => s.Package == "MtaTls.ReverseProxy").Schema);
        AssertSame(section, new MtaTlsReverseProxyOptions());
        AssertSame(section["TrustedPeers"]!["items"]!["properties"]!.AsObject(), new TrustedPeerOptions());
    }

    [Fact]
    public void The_schema_of_the_client_has_every_option_that_a_file_can_set()
    {
        JsonObject section = Schemas().Single(s => s.Package == "MtaTls.Client").Schema["properties"]!["MtaTlsClient"]!["properties"]!.AsObject();
        AssertSame(section, new MtaTlsClientOptions(), p => typeof(Delegate).IsAssignableFrom(p.PropertyType) || p.Name is "CertificateChainPolicy" or "LoggerFactory" or "TimeProvider");
        AssertSame(section["Limits"]!["properties"]!.AsObject(), new MtaTlsSessionLimits());
        AssertSame(section["Reconnect"]!["properties"]!.AsObject(), new MtaTlsReconnectOptions());
    }

    private static void AssertSame(JsonObject schema, object options, Func<PropertyInfo, bool>? isCodeOnly = null)
    {
        PropertyInfo[] properties = options.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => isCodeOnly?.Invoke(p) is not true).ToArray();
        Assert.Equal(properties.Select(p => p.Name).Order(), schema.Select(p => p.Key).Order());
        foreach (PropertyInfo property in properties)
        {
            if (schema[property.Name]!["default"] is { } byDefault && property.GetValue(options) is { } value && property.PropertyType.Namespace == "System")
            {
                Assert.Equal(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{value}"), byDefault.ToString(), ignoreCase: true);
            }
        }
    }

    private static JsonObject Section(JsonObject schema) => schema["properties"]!["MtaTls"]!["properties"]!.AsObject();

    private static List<(string Package, JsonObject Schema)> Schemas() =>
    [
        .. Directory.EnumerateFiles(Path.Combine(s_root, "src"), "ConfigurationSchema.json", SearchOption.AllDirectories)
            .Where(f => !f.Contains($"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Select(f => (Path.GetFileName(Path.GetDirectoryName(f))!, JsonNode.Parse(File.ReadAllText(f))!.AsObject())),
    ];

    private static async Task<string> ErrorsAsync(JsonObject schema, string json)
    {
        JsonSchema parsed = await JsonSchema.FromJsonAsync(schema.ToJsonString());
        return string.Join("; ", parsed.Validate(json).Select(e => e.ToString()));
    }

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "MtaTls.AspNetCore.sln")))
        {
            directory = directory.Parent;
        }

        return directory.FullName;
    }
}
