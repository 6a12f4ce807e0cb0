using System.Net.Security;
using System.Security.Authentication;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

public class HandshakeTests
{
    public static TheoryData<SslProtocols> Versions => TlsTest.Versions;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Both_ends_agree_and_octets_pass(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version, o => o.ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11]);
        using TlsClientContext client = TlsTest.Client(version, o => o.ApplicationProtocols = [SslApplicationProtocol.Http11, SslApplicationProtocol.Http2]);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);

        foreach (TlsConnection end in (TlsConnection[])[pair.Client, pair.Server])
        {
            Assert.Equal(version, end.Protocol);
            Assert.True(end.DataMultiplexingNegotiated);
            Assert.False(end.SessionResumed);
            Assert.Equal("localhost", end.ServerName);
            Assert.Equal(SslApplicationProtocol.Http2.Protocol.ToArray(), end.ApplicationProtocol.ToArray());
            Assert.StartsWith("TLS_", end.CipherSuite.ToString());
        }

        Assert.Equal(TestCertificates.Server, pair.Client.RemoteCertificate);
        Assert.Same(TestCertificates.Server, pair.Server.LocalCertificate);
        Assert.Null(pair.Server.RemoteCertificate);

        await pair.Client.SendAsync("up"u8.ToArray());
        Assert.Equal("up"u8.ToArray(), await pair.Server.ReadExactlyAsync(2));
        "do"u8.CopyTo(pair.Server.GetMemory(2).Span);
        pair.Server.Advance(2);
        pair.Server.Write("wn"u8);
        await pair.Server.FlushAsync();
        Assert.Equal("down"u8.ToArray(), await pair.Client.ReadExactlyAsync(4));
        await pair.CloseAsync();
    }
}
