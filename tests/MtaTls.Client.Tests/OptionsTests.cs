using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using MtaTls.Client.Http;
using MtaTls.Configuration;
using MtaTls.Protocol;

namespace MtaTls.Client.Tests;

public sealed class OptionsTests
{
    [Fact]
    public void Setters_refuse_values_out_of_range()
    {
        var options = new MtaTlsClientOptions();
        Assert.Throws<ArgumentOutOfRangeException>(() => options.Port = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.Port = 65_536);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MaxSessions = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MaxSessions = 1_001);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.ConnectTimeout = TimeSpan.Zero);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.SessionIdleTimeout = TimeSpan.FromSeconds(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => options.Reconnect.Jitter = 1.1);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.Reconnect.MaxDelay = TimeSpan.FromHours(2));
        options.ConnectTimeout = Timeout.InfiniteTimeSpan;
    }

    [Fact]
    public void Every_error_is_reported_at_once()
    {
        var options = new MtaTlsClientOptions { Host = "https://gateway.test:443", TargetHost = "[::1]", ExtensionType = 16, Mode = (MtaTlsClientMode)7, EnabledSslProtocols = Enum.Parse<SslProtocols>("Tls11") };
        options.Reconnect.MaxDelay = TimeSpan.Zero;
        options.Limits.SessionReceiveBudget = 4096;
        ArgumentException error = Assert.Throws<ArgumentException>(() => ClientSettings.From(options));
        foreach (string name in new[] { "Host:", "TargetHost:", "ExtensionType:", "Mode:", "EnabledSslProtocols:", "Reconnect:MaxDelay:", "Limits:SessionReceiveBudget:" })
        {
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Settings_are_equal_if_all_that_affects_a_session_is_equal()
    {
        using X509Certificate2 one = Certificate(), other = Certificate();
        using X509Certificate2 copy = X509CertificateLoader.LoadPkcs12(one.Export(X509ContentType.Pfx), null);
        Assert.Equal(Settings(), Settings());
        Assert.Equal(Settings(o => o.ClientCertificate.Certificate = one), Settings(o => o.ClientCertificate.Certificate = copy));
        Assert.NotEqual(Settings(o => o.ClientCertificate.Certificate = one), Settings(o => o.ClientCertificate.Certificate = other));
        Action<MtaTlsClientOptions>[] changes =
        [
            o => o.Host = "other.test", o => o.Port = 444, o => o.TargetHost = "name.test", o => o.ExtensionType = 65_000, o => o.Mode = MtaTlsClientMode.Required,
            o => o.ApplicationProtocols = [System.Net.Security.SslApplicationProtocol.Http2], o => o.EnabledSslProtocols = SslProtocols.Tls12, o => o.AllowTlsResume = false, o => o.ClientCertificate.Certificate = one,
            o => o.RemoteCertificateValidationCallback = (_, _, _, _) => false, o => o.CertificateRevocationCheckMode = X509RevocationMode.Online,
            o => o.CertificateChainPolicy = new X509ChainPolicy(), o => o.Limits.MaxChannelsPerSession = 5, o => o.Limits.MaxPacketLength = 5, o => o.Source = new ChannelAddress("a", 1),
            o => o.Reconnect.Jitter = 0.1, o => o.MaxSessions = 3, o => o.KeepConnected = true, o => o.ReplaceSessions = false, o => o.ConnectCallback = (_, _) => default,
        ];
        Assert.All(changes, change => Assert.NotEqual(Settings(), Settings(change)));
    }

    [Fact]
    public void Settings_remain_valid_after_the_disposal_of_their_certificate()
    {
        X509Certificate2 certificate = Certificate();
        ClientSettings settings = Settings(o => o.ClientCertificate.Certificate = certificate);
        int hash = settings.GetHashCode();
        certificate.Dispose();
        Assert.Equal(hash, settings.GetHashCode());
        Assert.True(settings.ClientCertificate!.Current.Certificate.HasPrivateKey);
    }

    [Fact]
    public void Configuration_sets_every_kind_of_option()
    {
        MtaTlsClientOptions options = FromJson(new()
        {
            ["MtaTlsClient:Host"] = "gateway.test",
            ["MtaTlsClient:Port"] = "8443",
            ["MtaTlsClient:TargetHost"] = "name.test",
            ["MtaTlsClient:ExtensionType"] = "65000",
            ["MtaTlsClient:Mode"] = "required",
            ["MtaTlsClient:ApplicationProtocols:0"] = "http/1.1",
            ["MtaTlsClient:EnabledSslProtocols:0"] = "Tls12",
            ["MtaTlsClient:EnabledSslProtocols:1"] = "Tls13",
            ["MtaTlsClient:CertificateRevocationCheckMode"] = "Online",
            ["MtaTlsClient:KeyLogFile"] = "/tmp/keys",
            ["MtaTlsClient:ConnectTimeout"] = "00:00:07",
            ["MtaTlsClient:MaxSessions"] = "3",
            ["MtaTlsClient:SessionIdleTimeout"] = "00:05:00",
            ["MtaTlsClient:ShutdownTimeout"] = "00:00:01",
            ["MtaTlsClient:KeepConnected"] = "true",
            ["MtaTlsClient:ReplaceSessions"] = "false",
            ["MtaTlsClient:Source:Host"] = "198.51.100.1",
            ["MtaTlsClient:Source:Port"] = "5",
            ["MtaTlsClient:Reconnect:InitialDelay"] = "00:00:01",
            ["MtaTlsClient:Reconnect:Jitter"] = "0.25",
            ["MtaTlsClient:Limits:MaxChannelsPerSession"] = "77",
            ["MtaTlsClient:Limits:CloseTimeout"] = "00:00:03",
        });
        Assert.Equal("gateway.test", options.Host);
        Assert.Equal(8443, options.Port);
        Assert.Equal("name.test", options.TargetHost);
        Assert.Equal(65_000, options.ExtensionType);
        Assert.Equal(MtaTlsClientMode.Required, options.Mode);
        Assert.Equal([System.Net.Security.SslApplicationProtocol.Http11], options.ApplicationProtocols);
        Assert.Equal(SslProtocols.Tls12 | SslProtocols.Tls13, options.EnabledSslProtocols);
        Assert.Equal(X509RevocationMode.Online, options.CertificateRevocationCheckMode);
        Assert.Equal("/tmp/keys", options.KeyLogFile);
        Assert.Equal(TimeSpan.FromSeconds(7), options.ConnectTimeout);
        Assert.Equal(3, options.MaxSessions);
        Assert.Equal(TimeSpan.FromMinutes(5), options.SessionIdleTimeout);
        Assert.Equal(TimeSpan.FromSeconds(1), options.ShutdownTimeout);
        Assert.True(options.KeepConnected);
        Assert.False(options.ReplaceSessions);
        Assert.Equal(new ChannelAddress("198.51.100.1", 5), options.Source);
        Assert.Equal(TimeSpan.FromSeconds(1), options.Reconnect.InitialDelay);
        Assert.Equal(0.25, options.Reconnect.Jitter);
        Assert.Equal(77, options.Limits.MaxChannelsPerSession);
        Assert.Equal(TimeSpan.FromSeconds(3), options.Limits.CloseTimeout);
    }

    [Fact]
    public void Configuration_errors_are_reported_all_at_once_with_their_keys()
    {
        MtaTlsClientOptions options = FromJson(new()
        {
            ["MtaTlsClient:Prot"] = "8443",
            ["MtaTlsClient:Port"] = "many",
            ["MtaTlsClient:Mode"] = "Perhaps",
            ["MtaTlsClient:ExtensionType"] = "70000",
            ["MtaTlsClient:TargetHost"] = "[::1]",
            ["MtaTlsClient:EnabledSslProtocols:0"] = "Tls11",
            ["MtaTlsClient:ApplicationProtocols:0"] = "",
            ["MtaTlsClient:Limits:MaxPacketLength"] = "0",
            ["MtaTlsClient:Limits:MaxWindowSize"] = "4096",
            ["MtaTlsClient:Reconnect:Jiter"] = "0",
            ["MtaTlsClient:Source:Prt"] = "1",
            ["MtaTlsClient:Source:Host"] = "no host",
            ["MtaTlsClient:AuthorityPath"] = "ca.pem",
            ["MtaTlsClient:ClientCertificate:Path"] = "client.pem",
            ["MtaTlsClient:ClientCertificate:Pasword"] = "secret",
        });
        OptionsValidationException error = Assert.Throws<OptionsValidationException>(() => Validate(options));
        string[] keys =
        [
            "Prot", "Port", "Mode", "ExtensionType", "TargetHost", "EnabledSslProtocols:0", "ApplicationProtocols:0", "Limits:MaxPacketLength", "Limits:MaxWindowSize", "Reconnect:Jiter",
            "Source:Prt", "Source", "AuthorityPath", "ClientCertificate:Path", "ClientCertificate:Pasword",
        ];
        Assert.Equal(keys.Select(static k => $"MtaTlsClient:{k}").Order(), error.Failures.Select(static f => f[..f.IndexOf(": ", StringComparison.Ordinal)]).Order());
        // Paths are relative to the content root, and the error contains the full path.
        Assert.Contains("MtaTlsClient:ClientCertificate:Path: Certificate file '/content/root/client.pem' was not found.", error.Failures);
        Assert.Contains("MtaTlsClient:AuthorityPath: Authority file '/content/root/ca.pem' was not found.", error.Failures);
        Assert.Contains("MtaTlsClient:ClientCertificate:Pasword: there is no such setting. Did you mean Password?", error.Failures);
    }

    [Theory]
    [InlineData("pem")]
    [InlineData("pfx")]
    public void A_client_certificate_comes_from_files_with_its_intermediates(string form)
    {
        using X509Certificate2 certificate = Certificate(), intermediate = Certificate();
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mtatls-client-");
        try
        {
            Dictionary<string, string?> values = new() { ["MtaTlsClient:Host"] = "gateway.test", ["MtaTlsClient:ClientCertificate:Path"] = $"client.{form}" };
            if (form == "pem")
            {
                File.WriteAllText(Path.Combine(folder.FullName, "client.pem"), certificate.ExportCertificatePem() + "\n" + intermediate.ExportCertificatePem());
                using ECDsa key = certificate.GetECDsaPrivateKey()!;
                File.WriteAllText(Path.Combine(folder.FullName, "client.key"), key.ExportPkcs8PrivateKeyPem());
                values["MtaTlsClient:ClientCertificate:KeyPath"] = "client.key";
            }
            else
            {
                File.WriteAllBytes(Path.Combine(folder.FullName, "client.pfx"), new X509Certificate2Collection { certificate, X509CertificateLoader.LoadCertificate(intermediate.RawData) }.Export(X509ContentType.Pfx, "secret")!);
                values["MtaTlsClient:ClientCertificate:Password"] = "secret";
            }

            LoadedCertificate loaded = ClientSettings.From(FromJson(values, folder.FullName)).ClientCertificate!.Current;
            Assert.Equal(certificate.Thumbprint, loaded.Certificate.Thumbprint);
            Assert.True(loaded.Certificate.HasPrivateKey);
            Assert.Equal(intermediate.Thumbprint, Assert.Single(loaded.Intermediates).Thumbprint);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_client_certificate_may_be_one_of_a_store_by_its_thumbprint()
    {
        using X509Certificate2 certificate = X509CertificateLoader.LoadPkcs12(Certificate().Export(X509ContentType.Pfx), null, X509KeyStorageFlags.PersistKeySet | X509KeyStorageFlags.Exportable);
        string name = $"MtaTlsTest{Guid.NewGuid():N}";
        using X509Store store = new(name, StoreLocation.CurrentUser);
        store.Open(OpenFlags.ReadWrite);
        store.Add(certificate);
        try
        {
            MtaTlsClientOptions options = FromJson(new()
            {
                ["MtaTlsClient:Host"] = "gateway.test",
                ["MtaTlsClient:ClientCertificate:Thumbprint"] = certificate.Thumbprint,
                ["MtaTlsClient:ClientCertificate:Store"] = name,
                ["MtaTlsClient:ClientCertificate:AllowInvalid"] = "true",
            });
            Assert.Equal(certificate.Thumbprint, ClientSettings.From(options).ClientCertificate!.Current.Certificate.Thumbprint);
        }
        finally
        {
            store.Remove(certificate);
        }
    }

    [Fact]
    public void Authorities_and_a_chain_policy_exclude_each_other()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mtatls-client-");
        try
        {
            using X509Certificate2 authority = Certificate();
            string path = Path.Combine(folder.FullName, "ca.pem");
            File.WriteAllText(path, authority.ExportCertificatePem());
            MtaTlsClientOptions options = new() { Host = "gateway.test", AuthorityPath = path };
            Assert.Equal(authority.Thumbprint, Assert.Single(ClientSettings.From(options).Authorities!.Current).Thumbprint);
            Assert.Equal(ClientSettings.From(options), ClientSettings.From(options));
            options.CertificateChainPolicy = new X509ChainPolicy();
            Assert.Contains("AuthorityPath:", Assert.Throws<ArgumentException>(() => ClientSettings.From(options)).Message, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_handler_with_settings_that_cannot_be_applied_is_refused()
    {
        var options = new MtaTlsClientOptions { Host = "gateway.test" };
        Assert.Throws<InvalidOperationException>(() => new SocketsHttpHandler { ConnectCallback = (_, _) => default }.UseMtaTls(options));
        Assert.Throws<InvalidOperationException>(() => new SocketsHttpHandler { Proxy = new WebProxy("http://proxy.test") }.UseMtaTls(options));
        Assert.Throws<InvalidOperationException>(() => new SocketsHttpHandler().UseMtaTls(options).UseMtaTls(options));
        Assert.False(new SocketsHttpHandler().UseMtaTls(options).UseProxy);
    }

    [Fact]
    public void The_factorys_handler_is_a_SocketsHttpHandler_with_channels()
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["MtaTlsClient:Host"] = "gateway.test" }).Build());
        services.AddHttpClient("one").UseMtaTls(o => o.Port = 8443);
        using ServiceProvider provider = services.BuildServiceProvider();
        Assert.Equal(8443, provider.GetRequiredService<IOptionsMonitor<MtaTlsClientOptions>>().Get("one").Port);
        Assert.Equal("gateway.test", provider.GetRequiredService<IOptionsMonitor<MtaTlsClientOptions>>().Get("one").Host);
        HttpMessageHandler handler = provider.GetRequiredService<IHttpMessageHandlerFactory>().CreateHandler("one");
        while (handler is DelegatingHandler { InnerHandler: { } inner })
        {
            handler = inner;
        }

        Assert.NotNull(Assert.IsType<SocketsHttpHandler>(handler).ConnectCallback);
    }

    [Fact]
    public void Invalid_options_of_the_factory_fail_when_the_client_is_created()
    {
        var services = new ServiceCollection();
        services.AddHttpClient("one").UseMtaTls(o => o.Host = "no host");
        using ServiceProvider provider = services.BuildServiceProvider();
        OptionsValidationException error = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IHttpClientFactory>().CreateClient("one"));
        Assert.Contains("Host:", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Handlers_with_equal_settings_share_a_client()
    {
        MtaTlsClient client = SharedClients.Get(Settings());
        Assert.Same(client, SharedClients.Get(Settings()));
        Assert.NotSame(client, SharedClients.Get(Settings(o => o.Port = 1)));
    }


    private static ClientSettings Settings(Action<MtaTlsClientOptions>? configure = null)
    {
        var options = new MtaTlsClientOptions { Host = "gateway.test" };
        configure?.Invoke(options);
        return ClientSettings.From(options);
    }

    private static MtaTlsClientOptions FromJson(Dictionary<string, string?> values, string contentRoot = "/content/root")
    {
        var options = new MtaTlsClientOptions();
        Configuration.MtaTlsClientConfiguration.Apply(new ConfigurationBuilder().AddInMemoryCollection(values).Build().GetSection("MtaTlsClient"), options, contentRoot);
        return options;
    }

    private static void Validate(MtaTlsClientOptions options)
    {
        if (new MtaTlsClientOptionsValidator().Validate(null, options) is { Failed: true } result)
        {
            throw new OptionsValidationException("", typeof(MtaTlsClientOptions), result.Failures);
        }
    }

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=client", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
