using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using MtaTls.Client;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Client;

/// <summary>Refusals of a client, and its fallback to ordinary TLS.</summary>
public sealed class PolicyTests
{
    private static readonly TimeSpan s_hang = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(MtaTlsClientMode.Preferred, DataMultiplexingMode.Allowed, true, "multiplexed")]
    [InlineData(MtaTlsClientMode.Required, DataMultiplexingMode.Allowed, true, "multiplexed")]
    [InlineData(MtaTlsClientMode.Required, DataMultiplexingMode.Required, true, "multiplexed")]
    [InlineData(MtaTlsClientMode.Preferred, DataMultiplexingMode.Allowed, false, "multiplexed")]
    [InlineData(MtaTlsClientMode.Preferred, DataMultiplexingMode.Disabled, true, "plain")]
    [InlineData(MtaTlsClientMode.Preferred, DataMultiplexingMode.Disabled, false, "error")]
    [InlineData(MtaTlsClientMode.Required, DataMultiplexingMode.Disabled, true, "error")]
    [InlineData(MtaTlsClientMode.Required, DataMultiplexingMode.Disabled, false, "error")]
    public async Task Fallback_happens_only_to_the_endpoint_itself_and_only_where_preferred(MtaTlsClientMode client, DataMultiplexingMode server, bool sameDestination, string expected)
    {
        await using GatewayApp app = await GatewayApp.StartAsync(o => o.EndpointDefaults.Mode = server);
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(app.Options(o => o.Mode = client))) { Timeout = s_hang };
        var uri = new Uri(sameDestination ? app.Uri("/channel").ToString() : "https://elsewhere.test/channel");
        if (expected == "error")
        {
            HttpRequestException failure = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(uri));
            Assert.Contains("does not speak MTA-TLS", failure.Message, StringComparison.Ordinal);
            Assert.IsType<MtaTlsNotNegotiatedException>(failure.InnerException);
        }
        else
        {
            Assert.Equal(expected == "plain", await http.GetStringAsync(uri) == "none");
        }
    }

    [Fact]
    public async Task Each_fallback_channel_is_a_separate_connection_and_the_first_uses_the_existing_one()
    {
        await using GatewayApp app = await GatewayApp.StartAsync(mtaTls: false);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(app.Options());
        for (int i = 1; i <= 3; i++)
        {
            await using MtaTlsClientChannel channel = await client.OpenChannelAsync("localhost", app.Port);
            Assert.False(channel.IsMultiplexed);
            Assert.StartsWith("HTTP/1.1 200", await GetAsync(channel), StringComparison.Ordinal);
            Assert.Equal(i, app.Connections);
        }
        MtaTlsClientStatistics statistics = client.GetStatistics();
        Assert.Equal(3, statistics.Fallbacks);
        Assert.Equal(3, statistics.Handshakes);
        Assert.Equal(0, statistics.ActiveSessions);
        Assert.True(statistics.BytesReceived > 0);
    }

    [Fact]
    public async Task HTTP2_works_over_a_fallback_connection()
    {
        await using GatewayApp app = await GatewayApp.StartAsync(mtaTls: false);
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(app.Options())) { Timeout = s_hang, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        Assert.Equal("HTTP/2 https localhost", await http.GetStringAsync(app.Uri()));
        Assert.Equal(300_000, (await http.GetByteArrayAsync(app.Uri("/bytes/300000"))).Length);
    }

    [Theory]
    [InlineData("untrusted")]
    [InlineData("wrong name")]
    [InlineData("expired")]
    public async Task A_certificate_that_is_not_valid_is_refused(string what)
    {
        using X509Certificate2 other = GatewayCertificates.MakeAuthority();
        using X509Certificate2 certificate = what switch
        {
            "untrusted" => GatewayCertificates.Issue(["localhost"], issuer: other),
            "wrong name" => GatewayCertificates.Issue(["elsewhere.test"], loopback: false),
            _ => GatewayCertificates.Issue(["localhost"], daysLeft: -1),
        };
        await using GatewayApp app = await GatewayApp.StartAsync(certificate: certificate);
        await Assert.ThrowsAsync<AuthenticationException>(async () => await MtaTlsClient.ConnectAsync(app.Options()));
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(app.Options())) { Timeout = s_hang };
        HttpRequestException failure = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(app.Uri()));
        Assert.IsType<AuthenticationException>(failure.InnerException);
        // The application's callback may still accept it.
        await using MtaTlsClient trusting = await MtaTlsClient.ConnectAsync(app.Options(o => o.RemoteCertificateValidationCallback = (_, _, _, errors) => errors != 0));
        Assert.Equal(1, trusting.GetStatistics().Handshakes);
    }

    [Fact]
    public async Task The_certificate_is_verified_against_the_target_and_never_against_a_channels_destination()
    {
        using X509Certificate2 certificate = GatewayCertificates.Issue(["gateway.test"], loopback: false);
        await using GatewayApp app = await GatewayApp.StartAsync(certificate: certificate);
        using var named = new HttpClient(new SocketsHttpHandler().UseMtaTls(app.Options(o => o.TargetHost = "gateway.test"))) { Timeout = s_hang };
        Assert.Contains(" elsewhere.test:443 ", await named.GetStringAsync(new Uri("https://elsewhere.test/channel")), StringComparison.Ordinal);
        // A certificate with the destination's name is refused if it does not have the endpoint's name.
        using var unnamed = new HttpClient(new SocketsHttpHandler().UseMtaTls(app.Options())) { Timeout = s_hang };
        await Assert.ThrowsAsync<HttpRequestException>(() => unnamed.GetStringAsync(new Uri("https://gateway.test/channel")));
    }

    [Fact]
    public async Task A_client_certificate_is_sent_and_seen_in_channels()
    {
        using X509Certificate2 own = GatewayCertificates.Issue(["client.test"]);
        await using GatewayApp app = await GatewayApp.StartAsync(https: o =>
        {
            o.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
            o.ClientCertificateValidation = (certificate, _, _) => certificate.RawDataMemory.Span.SequenceEqual(own.RawDataMemory.Span);
        });
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(app.Options(o => o.ClientCertificate.Certificate = own))) { Timeout = s_hang };
        Assert.Equal("CN=client.test", await http.GetStringAsync(app.Uri("/certificate")));
        using var without = new HttpClient(new SocketsHttpHandler().UseMtaTls(app.Options())) { Timeout = s_hang };
        await Assert.ThrowsAsync<HttpRequestException>(() => without.GetStringAsync(app.Uri("/certificate")));
    }

    [Fact]
    public async Task A_refused_channel_is_an_HttpRequestException_with_the_reason()
    {
        await using PeerServer server = await PeerServer.StartAsync(request => request.Refuse("not today"));
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(server.Options())) { Timeout = s_hang };
        HttpRequestException failure = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(new Uri("https://inner.test/")));
        Assert.Contains("not today", failure.Message, StringComparison.Ordinal);
        Assert.Equal(HttpRequestError.ConnectionError, failure.HttpRequestError);
        Assert.IsType<MtaTlsChannelRefusedException>(failure.InnerException);
    }

    [Fact]
    public async Task An_endpoint_that_is_not_reachable_is_named_in_the_error()
    {
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls("127.0.0.1", 1)) { Timeout = s_hang };
        HttpRequestException first = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(new Uri("https://inner.test/")));
        Assert.Equal(SocketError.ConnectionRefused, Assert.IsType<SocketException>(first.InnerException).SocketErrorCode);
        // HttpClient adds the channel's destination, which is not the cause.
        Assert.StartsWith("The MTA-TLS endpoint 127.0.0.1:1 could not be reached: ", first.Message, StringComparison.Ordinal);
        HttpRequestException second = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(new Uri("https://inner.test/")));
        Assert.StartsWith("The MTA-TLS endpoint 127.0.0.1:1 could not be reached: ", second.Message, StringComparison.Ordinal);
        Assert.IsType<SocketException>(second.InnerException);
    }

    [Fact]
    public async Task An_endpoint_whose_name_is_unknown_is_a_NameResolutionError_that_names_it()
    {
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(o =>
        {
            o.Host = "gateway.invalid";
            // The error is the same on machines without a network.
            o.ConnectCallback = static (_, _) => throw new SocketException((int)SocketError.HostNotFound);
        }))
        { Timeout = s_hang };
        for (int i = 0; i < 2; i++)
        {
            HttpRequestException failure = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(new Uri("https://inner.test/")));
            Assert.Contains("gateway.invalid:443", failure.Message, StringComparison.Ordinal);
            Assert.Equal(HttpRequestError.NameResolutionError, failure.HttpRequestError);
        }
    }

    [Fact]
    public async Task An_invalid_certificate_is_a_SecureConnectionError_also_during_the_back_off()
    {
        await using GatewayApp app = await GatewayApp.StartAsync();
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls("localhost", app.Port)) { Timeout = s_hang };
        for (int i = 0; i < 2; i++)
        {
            HttpRequestException failure = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(new Uri("https://inner.test/")));
            Assert.Contains($"localhost:{app.Port}", failure.Message, StringComparison.Ordinal);
            Assert.Equal(HttpRequestError.SecureConnectionError, failure.HttpRequestError);
            Assert.IsType<AuthenticationException>(failure.InnerException);
        }
    }

    [Fact]
    public async Task An_endpoint_that_closes_connections_during_the_handshake_is_named()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls("127.0.0.1", port)) { Timeout = s_hang };
        Task<string> get = http.GetStringAsync(new Uri("https://inner.test/"));
        using (TcpClient accepted = await listener.AcceptTcpClientAsync().WaitAsync(s_hang))
        {
            await accepted.GetStream().ReadExactlyAsync(new byte[5]).AsTask().WaitAsync(s_hang);
            accepted.Client.Shutdown(SocketShutdown.Send);
            HttpRequestException failure = await Assert.ThrowsAsync<HttpRequestException>(() => get);
            Assert.Contains($"127.0.0.1:{port}", failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_error_for_an_endpoint_without_TLS_says_so()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls("127.0.0.1", port)) { Timeout = s_hang };
        Task<string> get = http.GetStringAsync(new Uri("https://inner.test/"));
        using TcpClient accepted = await listener.AcceptTcpClientAsync().WaitAsync(s_hang);
        await accepted.GetStream().WriteAsync("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray());
        HttpRequestException failure = await Assert.ThrowsAsync<HttpRequestException>(() => get);
        Assert.Contains($"127.0.0.1:{port}", failure.Message, StringComparison.Ordinal);
        Assert.Contains("answers without TLS", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Each_version_of_TLS_works(SslProtocols version)
    {
        await using GatewayApp app = await GatewayApp.StartAsync();
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(app.Options(o => o.EnabledSslProtocols = version))) { Timeout = s_hang };
        Assert.StartsWith("127.0.0.1:", await http.GetStringAsync(app.Uri("/channel")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_that_is_set_is_claimed()
    {
        await using GatewayApp app = await GatewayApp.StartAsync();
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(app.Options(o => o.Source = new ChannelAddress("198.51.100.7", 7)));
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(client)) { Timeout = s_hang };
        Assert.StartsWith("198.51.100.7:7 ", await http.GetStringAsync(app.Uri("/channel")), StringComparison.Ordinal);
    }

    private static async Task<string> GetAsync(Stream stream)
    {
        await stream.WriteAsync("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray());
        return await new StreamReader(stream).ReadToEndAsync().WaitAsync(s_hang);
    }
}
