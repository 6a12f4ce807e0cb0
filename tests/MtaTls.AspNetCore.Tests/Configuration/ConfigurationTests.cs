using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Certificates;
using MtaTls.AspNetCore.Configuration;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Tests.Configuration;

public sealed class ConfigurationTests
{
    private static (MtaTlsOptions Options, string[] Errors) Read(string json)
    {
        IConfiguration configuration = new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build();
        MtaTlsOptions options = new();
        new ConfigureMtaTlsOptions(configuration, new Environment()).Configure(options);
        ValidateOptionsResult result = new ValidateMtaTlsOptions(new EndpointCertificates(new Environment(), configuration, NullLoggerFactory.Instance, TimeProvider.System)).Validate(null, options);
        return (options, [.. result.Failures ?? []]);
    }

    [Fact]
    public void KeepAlive_and_Shutdown_are_read()
    {
        (MtaTlsOptions options, string[] errors) = Read("""
            { "MtaTls": { "KeepAlive": { "Tcp": false, "Ping": true, "Interval": "00:00:05", "Timeout": "00:00:03" }, "Shutdown": { "Delay": "00:00:15" } } }
            """);
        Assert.Empty(errors);
        Assert.Equal((false, true, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(3)), (options.KeepAlive.Tcp, options.KeepAlive.Ping, options.KeepAlive.Interval, options.KeepAlive.Timeout));
        Assert.Equal(TimeSpan.FromSeconds(15), options.Shutdown.Delay);

        (options, errors) = Read("""{ "MtaTls": { "KeepAlive": { "Interval": "00:00:00.5", "Pings": true }, "Shutdown": { "Delay": "-00:00:01" } } }""");
        Assert.Equal(3, errors.Length);
        Assert.Equal((true, false, TimeSpan.Zero), (options.KeepAlive.Tcp, options.KeepAlive.Ping, options.Shutdown.Delay));
        Assert.Throws<ArgumentOutOfRangeException>(() => options.Shutdown.Delay = TimeSpan.FromHours(2));
    }

    [Fact]
    public void All_settings_are_read()
    {
        (MtaTlsOptions options, string[] errors) = Read("""
            { "MtaTls": {
              "ExtensionType": 65400,
              "KeyLogFile": "keys.log",
              "EndpointDefaults": { "Mode": "Disabled", "Dispatch": "Open" },
              "Endpoints": {
                "Public": {
                  "Url": "https://*:8443", "Mode": "required", "Protocols": "Http1AndHttp2", "ClientCertificateMode": "AllowCertificate",
                  "SslProtocols": [ "Tls12", "Tls13" ], "Dispatch": "FirstData" },
                "Empty": { "Url": "https://[::1]:0" } },
              "Limits": {
                "MaxChannelsPerSession": 1000, "MaxPendingChannels": 10, "InitialWindowSize": 65536, "MaxWindowSize": 1048576, "MaxPacketLength": 8000,
                "SessionReceiveBudget": 8388608, "ServerReceiveBudget": 99999999999, "HandshakeTimeout": "00:00:05", "ChannelIdleTimeout": "00:01:00",
                "SessionIdleTimeout": "-00:00:00.001", "CloseLingerTimeout": "00:00:01", "CloseTimeout": "00:00:02",
                "WriteStallTimeout": "00:00:03", "SessionSendBudget": 4096, "MinPeerPacketLength": 1, "MaxOpensPerSecond": 5, "MaxEmptyPacketsPerSecond": 6,
                "MaxSmallPacketsPerSecond": 7, "MaxAcknowledgmentsPerSecond": 8, "ChannelWriteStallTimeout": "00:00:09", "AddressReceiveBudget": 65536, "MaxSessionsPerAddress": 9,
                "OutputBufferSize": 11, "MaxQueuedAnswers": 17, "RememberedChannelIds": 4099, "MaxClientHelloLength": 600, "MaxHandshakes": 7, "MaxSessions": 8, "MaxChannels": 9 } } }
            """);
        Assert.Empty(errors);
        Assert.Equal(65400, options.ExtensionType);
        Assert.Equal(Path.Combine(Path.GetTempPath(), "keys.log"), options.KeyLogFile);
        Assert.Equal((DataMultiplexingMode.Disabled, MtaTlsDispatch.Open), (options.EndpointDefaults.Mode, options.EndpointDefaults.Dispatch));
        MtaTlsEndpointOptions endpoint = options.Endpoints["public"];
        Assert.Equal("https://*:8443", endpoint.Url);
        Assert.Equal(DataMultiplexingMode.Required, endpoint.Mode);
        Assert.Equal(HttpProtocols.Http1AndHttp2, endpoint.Protocols);
        Assert.Equal(ClientCertificateMode.AllowCertificate, endpoint.ClientCertificateMode);
        Assert.Equal(SslProtocols.Tls12 | SslProtocols.Tls13, endpoint.SslProtocols);
        Assert.Equal(MtaTlsDispatch.FirstData, endpoint.Dispatch);
        MtaTlsEndpointOptions empty = options.Endpoints["Empty"];
        Assert.Equal((null, null, null, null, null), (empty.Mode, empty.Protocols, empty.ClientCertificateMode, empty.SslProtocols, empty.Dispatch));
        MtaTlsLimits limits = options.Limits;
        Assert.Equal((1000, 10, 65536, 1048576, 8000), (limits.MaxChannelsPerSession, limits.MaxPendingChannels, limits.InitialWindowSize, limits.MaxWindowSize, limits.MaxPacketLength));
        Assert.Equal((8388608, 99999999999), (limits.SessionReceiveBudget, limits.ServerReceiveBudget));
        Assert.Equal((TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1), Timeout.InfiniteTimeSpan), (limits.HandshakeTimeout, limits.ChannelIdleTimeout, limits.SessionIdleTimeout));
        Assert.Equal((TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(3)), (limits.CloseLingerTimeout, limits.CloseTimeout, limits.WriteStallTimeout));
        Assert.Equal((7, 8, 65536, 9), (limits.MaxSmallPacketsPerSecond, limits.MaxAcknowledgmentsPerSecond, limits.AddressReceiveBudget, limits.MaxSessionsPerAddress));
        Assert.Equal(TimeSpan.FromSeconds(9), limits.ChannelWriteStallTimeout);
        Assert.Equal((4096, 1, 5, 6), (limits.SessionSendBudget, limits.MinPeerPacketLength, limits.MaxOpensPerSecond, limits.MaxEmptyPacketsPerSecond));
        Assert.Equal((11, 17, 4099), (limits.OutputBufferSize, limits.MaxQueuedAnswers, limits.RememberedChannelIds));
        Assert.Equal((600, 7, 8, 9), (limits.MaxClientHelloLength, limits.MaxHandshakes, limits.MaxSessions, limits.MaxChannels));
    }

    [Fact]
    public void Without_settings_the_defaults_apply()
    {
        (MtaTlsOptions options, string[] errors) = Read("{}");
        Assert.Empty(errors);
        Assert.Equal(65389, options.ExtensionType);
        Assert.Empty(options.Endpoints);
        Assert.Equal((DataMultiplexingMode.Allowed, MtaTlsDispatch.FirstData), (options.EndpointDefaults.Mode, options.EndpointDefaults.Dispatch));
        MtaTlsLimits limits = options.Limits;
        Assert.Equal((10_000, 256, 262_144, 8_388_608, 16_375), (limits.MaxChannelsPerSession, limits.MaxPendingChannels, limits.InitialWindowSize, limits.MaxWindowSize, limits.MaxPacketLength));
        Assert.Equal((67_108_864, 1_073_741_824), (limits.SessionReceiveBudget, limits.ServerReceiveBudget));
        Assert.Equal((TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(130), TimeSpan.FromSeconds(130)), (limits.HandshakeTimeout, limits.ChannelIdleTimeout, limits.SessionIdleTimeout));
    }

    [Theory]
    [InlineData("""{ "ExtensionType": -1 }""", "MtaTls:ExtensionType")]
    [InlineData("""{ "ExtensionType": 65536 }""", "MtaTls:ExtensionType")]
    [InlineData("""{ "ExtensionType": 16 }""", "MtaTls:ExtensionType")]
    [InlineData("""{ "EndpointDefaults": { "Mode": "1" } }""", "MtaTls:EndpointDefaults:Mode")]
    [InlineData("""{ "EndpointDefaults": { "Dispatch": "Never" } }""", "MtaTls:EndpointDefaults:Dispatch")]
    [InlineData("""{ "Endpoints": { "E": null } }""", "MtaTls:Endpoints:E:Url")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "8443" } } }""", "MtaTls:Endpoints:E:Url")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "http://*:8443" } } }""", "MtaTls:Endpoints:E:Url")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "https://*:8443/path" } } }""", "MtaTls:Endpoints:E:Url")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "https://*:99999" } } }""", "MtaTls:Endpoints:E:Url")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "https://localhost:0" } } }""", "MtaTls:Endpoints:E:Url")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "https://*:1", "Protocols": "Http7" } } }""", "MtaTls:Endpoints:E:Protocols")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "https://*:1", "ClientCertificateMode": "Maybe" } } }""", "MtaTls:Endpoints:E:ClientCertificateMode")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "https://*:1", "ClientCertificateMode": "DelayCertificate", "Mode": "Required" } } }""", "MtaTls:Endpoints:E:ClientCertificateMode")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "https://*:1", "SslProtocols": [ "Tls11" ] } } }""", "MtaTls:Endpoints:E:SslProtocols:0")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "https://*:1", "SslProtocols": [ "Tls12", "Tls14" ] } } }""", "MtaTls:Endpoints:E:SslProtocols:1")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "https://*:1", "Certificate": { "Path": "none.pem" } } } }""", "MtaTls:Endpoints:E:Certificate:Path")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "https://*:1", "Certificate": { "KeyPath": "none.key" } } } }""", "MtaTls:Endpoints:E:Certificate:Path")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "https://*:1", "Certificate": { "Path": "a.pem", "Subject": "b" } } } }""", "MtaTls:Endpoints:E:Certificate")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "https://*:1", "Certificate": { "Subject": "nobody.has.this.test" } } } }""", "MtaTls:Endpoints:E:Certificate:Subject")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "https://*:1", "Certificate": { "AllowInvalid": "perhaps" } } } }""", "MtaTls:Endpoints:E:Certificate:AllowInvalid")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "https://*:1", "Certificate": { "Location": "Elsewhere" } } } }""", "MtaTls:Endpoints:E:Certificate:Location")]
    [InlineData("""{ "Limits": { "MaxChannelsPerSession": 0 } }""", "MtaTls:Limits:MaxChannelsPerSession")]
    [InlineData("""{ "Limits": { "MaxChannelsPerSession": 1000001 } }""", "MtaTls:Limits:MaxChannelsPerSession")]
    [InlineData("""{ "Limits": { "MaxPendingChannels": "many" } }""", "MtaTls:Limits:MaxPendingChannels")]
    [InlineData("""{ "Limits": { "WriteStallTimeout": "00:00:00" } }""", "MtaTls:Limits:WriteStallTimeout")]
    [InlineData("""{ "Limits": { "MaxHandshakes": 0 } }""", "MtaTls:Limits:MaxHandshakes")]
    [InlineData("""{ "Limits": { "MaxClientHelloLength": 511 } }""", "MtaTls:Limits:MaxClientHelloLength")]
    [InlineData("""{ "Limits": { "MaxSessions": 0 } }""", "MtaTls:Limits:MaxSessions")]
    [InlineData("""{ "Limits": { "MaxChannels": 1000001 } }""", "MtaTls:Limits:MaxChannels")]
    [InlineData("""{ "Limits": { "InitialWindowSize": 4095 } }""", "MtaTls:Limits:InitialWindowSize")]
    [InlineData("""{ "Limits": { "MaxWindowSize": 4096 } }""", "MtaTls:Limits:MaxWindowSize")]
    [InlineData("""{ "Limits": { "MaxPacketLength": 262144 } }""", "MtaTls:Limits:MaxPacketLength")]
    [InlineData("""{ "Limits": { "SessionReceiveBudget": 10000000 } }""", "MtaTls:Limits:SessionReceiveBudget")]
    [InlineData("""{ "Limits": { "ServerReceiveBudget": 65536 } }""", "MtaTls:Limits:ServerReceiveBudget")]
    [InlineData("""{ "Limits": { "ServerSendBudget": 65536 } }""", "MtaTls:Limits:ServerSendBudget")]
    [InlineData("""{ "Limits": { "AddressSendBudget": 1 } }""", "MtaTls:Limits:AddressSendBudget")]
    [InlineData("""{ "Limits": { "HandshakeTimeout": "00:00:00" } }""", "MtaTls:Limits:HandshakeTimeout")]
    [InlineData("""{ "Limits": { "ChannelIdleTimeout": "-00:00:01" } }""", "MtaTls:Limits:ChannelIdleTimeout")]
    [InlineData("""{ "Limits": { "SessionIdleTimeout": "50.00:00:00" } }""", "MtaTls:Limits:SessionIdleTimeout")]
    [InlineData("""{ "Limits": { "CloseTimeout": "-00:00:00.001" } }""", "MtaTls:Limits:CloseTimeout")]
    [InlineData("""{ "Limits": { "MaxChanelsPerSession": 1 } }""", "MtaTls:Limits:MaxChanelsPerSession")]
    [InlineData("""{ "Limit": { "MaxChannelsPerSession": 1 } }""", "MtaTls:Limit")]
    [InlineData("""{ "Limits": "none" }""", "MtaTls:Limits")]
    [InlineData("""{ "Limits": { "MaxPendingChannels": [ 1 ] } }""", "MtaTls:Limits:MaxPendingChannels")]
    [InlineData("""{ "EndpointDefaults": { "Protocols": "Http1" } }""", "MtaTls:EndpointDefaults:Protocols")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "https://*:1", "ClientCertificate": "RequireCertificate" } } }""", "MtaTls:Endpoints:E:ClientCertificate")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "https://*:1", "Certificate": { "KeyFile": "a.key" } } } }""", "MtaTls:Endpoints:E:Certificate:KeyFile")]
    [InlineData("""{ "Endpoints": { "E": { "Url": "https://*:1", "SslProtocols": "Tls13" } } }""", "MtaTls:Endpoints:E:SslProtocols")]
    public void An_error_names_its_key_and_no_other(string section, string key)
    {
        (_, string[] errors) = Read($$"""{ "MtaTls": {{section}} }""");
        Assert.StartsWith($"{key}: ", Assert.Single(errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"0xff6d\"", 0xFF6D)]
    [InlineData("\"0XFE00\"", 0xFE00)]
    [InlineData("65400", 65400)]
    public void An_extension_type_may_be_hexadecimal(string value, int expected)
    {
        (MtaTlsOptions options, string[] errors) = Read($$"""{ "MtaTls": { "ExtensionType": {{value}} } }""");
        Assert.Empty(errors);
        Assert.Equal(expected, options.ExtensionType);
    }

    [Theory]
    [InlineData("70000", "MtaTls:ExtensionType: '70000' is not a whole number from 0 to 65,535.")]
    [InlineData("\"0x1ffff\"", "MtaTls:ExtensionType: '0x1ffff' is not a whole number from 0 to 65,535.")]
    [InlineData("16", "MtaTls:ExtensionType: 16 is an extension type that TLS itself uses. Choose another from 0 to 65,535; the default is 65389 (0xFF6D).")]
    public void The_error_of_an_invalid_extension_type_names_the_range(string value, string error)
    {
        (_, string[] errors) = Read($$"""{ "MtaTls": { "ExtensionType": {{value}} } }""");
        Assert.Equal(error, Assert.Single(errors));
    }

    [Fact]
    public void The_error_of_a_misspelled_key_suggests_the_right_one()
    {
        (_, string[] errors) = Read("""{ "MtaTls": { "Limits": { "MaxChanelsPerSession": 1 } } }""");
        Assert.Equal("MtaTls:Limits:MaxChanelsPerSession: there is no such setting. Did you mean MaxChannelsPerSession?", Assert.Single(errors));
    }

    // MtaTls.ReverseProxy reads some of these keys from the same section.
    [Fact]
    public void Keys_of_routing_and_of_the_reverse_proxy_are_known()
    {
        (_, string[] errors) = Read("""{ "MtaTls": { "Channels": [ { "Action": "Http" } ], "Tcp": { "MaxConnections": 1 }, "AllowHostMismatch": true, "Destinations": { "a.test:80": "http://b.test" }, "TrustedPeers": [] } }""");
        Assert.Empty(errors);
    }

    [Fact]
    public void Limits_out_of_range_throw_when_they_are_set_in_code()
    {
        MtaTlsLimits limits = new();
        Assert.Throws<ArgumentOutOfRangeException>(() => limits.MaxChannelsPerSession = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => limits.HandshakeTimeout = TimeSpan.Zero);
        Assert.Throws<ArgumentOutOfRangeException>(() => limits.ServerReceiveBudget = 1);
        limits.HandshakeTimeout = Timeout.InfiniteTimeSpan;
    }

    [Theory]
    [InlineData("https://*:8443", "[::]:8443")]
    [InlineData("https://+:8443", "[::]:8443")]
    [InlineData("https://gateway.example:8443", "[::]:8443")]
    [InlineData("https://192.0.2.1:8443", "192.0.2.1:8443")]
    [InlineData("https://[2001:db8::1]:8443", "[2001:db8::1]:8443")]
    [InlineData("https://192.0.2.1", "192.0.2.1:443")]
    [InlineData("https://localhost:8443", "127.0.0.1:8443")]
    public void Urls_mean_the_same_as_in_Kestrel(string url, string endPoint)
    {
        KestrelServerOptions kestrel = new();
        ListenOptions? listen = null;
        EndpointAddress.Listen(kestrel, url, l => listen = l);
        Assert.Equal(endPoint, listen!.IPEndPoint!.ToString().Replace("0.0.0.0", "[::]", StringComparison.Ordinal));
    }

    [Fact]
    public void A_unix_socket_is_an_address_too()
    {
        ListenOptions? listen = null;
        EndpointAddress.Listen(new KestrelServerOptions(), "https://unix:/run/app.sock", l => listen = l);
        Assert.Equal("/run/app.sock", listen!.SocketPath);
    }

    [Fact]
    public void A_generated_certificate_is_for_this_machine_and_servers()
    {
        using X509Certificate2 certificate = TemporaryCertificate.Create(TimeProvider.System);
        Assert.True(certificate.HasPrivateKey);
        Assert.True(certificate.MatchesHostname("localhost"));
        Assert.True(certificate.MatchesHostname("127.0.0.1"));
        Assert.True(certificate.NotAfter < DateTime.Now.AddDays(31));
    }

    private sealed class Environment : IHostEnvironment
    {
        public string ApplicationName { get; set; } = "";

        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();

        public string ContentRootPath { get; set; } = Path.GetTempPath();

        public string EnvironmentName { get; set; } = "Production";
    }
}
