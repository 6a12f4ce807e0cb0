using System.Net;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Routing;

/// <summary>HttpClient through a gateway. It reaches every host by its name, over channels of one TLS session.</summary>
internal static class GatewayClient
{
    public static MtaTlsClientOptions Options(int port, X509Certificate2? certificate = null) => new()
    {
        Host = "127.0.0.1",
        Port = port,
        TargetHost = "localhost",
        Mode = MtaTlsClientMode.Required,
        CertificateChainPolicy = TestCertificates.TrustRoot(),
        ClientCertificate = { Certificate = certificate },
        Source = new ChannelAddress("192.0.2.7", 4711),
    };

    public static HttpClient Create(int port, Version? version = null) => new(new SocketsHttpHandler().UseMtaTls(Options(port)))
    {
        DefaultRequestVersion = version ?? HttpVersion.Version11,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Timeout = Wait.Timeout,
    };

    /// <summary>Sends one request as text, so that it can contain what no ordinary client sends.</summary>
    public static async Task<HttpChannel.Response> SendAsync(RawClient client, string host, int port, string head)
    {
        await using HttpChannel channel = await client.OpenAsync(host, port);
        await channel.SendAsync(head + "\r\n\r\n");
        return await channel.ReadResponseAsync();
    }
}
