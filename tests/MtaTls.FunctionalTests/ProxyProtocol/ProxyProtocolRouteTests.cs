using System.Net;
using System.Text;
using MtaTls.AspNetCore.ProxyProtocol;
using MtaTls.FunctionalTests.Liveness;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.ProxyProtocol;

/// <summary>Tcp routes that send the client's address to their destination (ProxyProtocol of MtaTls:Channels).</summary>
public sealed class ProxyProtocolRouteTests
{
    private static readonly IPAddress s_client = IPAddress.Parse("127.0.0.5");

    private static string Settings(string version, int port, string more = "") => $$"""
        { "MtaTls": {
          {{more}}
          "Channels": [ { "Action": "Tcp", "AllowAnonymous": true, "Upstream": "127.0.0.1:{{port}}", "ProxyProtocol": "{{version}}" } ] } }
        """;

    [Theory]
    [InlineData("V1", "", "")]
    [InlineData("V2", "localhost", "MTA-TLS")]
    public async Task HAProxy_as_a_destination_sees_the_client_and_the_TLVs(string version, string authority, string id)
    {
        await using HaProxy behind = await StartBehindAsync();
        await using TestApp gateway = await Gateway.StartAsync(Settings(version, behind.Port));
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port, from: s_client);
        int port = ((IPEndPoint)client.Socket.LocalEndPoint!).Port;
        string[] seen = (await GetAsync(client)).Split(';');
        Assert.Equal(["127.0.0.5", $"{port}", "127.0.0.1", $"{gateway.Port}", authority], seen[..5]);

        // The channel's id in the gateway's log.
        if (id.Length > 0)
        {
            Assert.Contains(await gateway.LoggedAsync("ChannelEnded"), m => m.Contains(seen[5], StringComparison.Ordinal));
        }
        else
        {
            Assert.Empty(seen[5]);
        }
    }

    [Fact]
    public async Task The_clients_address_from_a_load_balancer_is_passed_on()
    {
        await using HaProxy behind = await StartBehindAsync();
        await using TestApp gateway = await Gateway.StartAsync(Settings("V2", behind.Port, """ "ProxyProtocol": { "Networks": [ "127.0.0.0/8" ] }, """));
        await using HaProxy balancer = await HaProxy.StartAsync([gateway.Port], check: "send-proxy-v2");
        await using RawClient client = await RawClient.ConnectAsync(balancer.Port, from: s_client);
        Assert.StartsWith($"127.0.0.5;{((IPEndPoint)client.Socket.LocalEndPoint!).Port};127.0.0.1;{balancer.Port};", await GetAsync(client), StringComparison.Ordinal);

        await using RawClient six = await RawClient.ConnectAsync(gateway.Port, header: Encoding.ASCII.GetBytes("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n"));
        Assert.StartsWith("2001:db8::1;1;2001:db8::2;2;", await GetAsync(six), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_TLS_session_and_the_clients_certificate_are_sent(bool withCertificate)
    {
        TaskCompletionSource<ProxyHeader> told = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = TcpServer.Start(async socket =>
        {
            byte[] buffer = new byte[4096];
            int count = 0;
            ProxyHeader? header;
            int length;
            do
            {
                int received = await socket.ReceiveAsync(buffer.AsMemory(count));
                count += received > 0 ? received : throw new EndOfStreamException();
            }
            while (ProxyHeaderReader.TryRead(new(buffer.AsMemory(0, count)), 4096, out header, out length) == ProxyHeaderStatus.NeedMore);
            told.SetResult(header!);
            await socket.SendAsync(buffer.AsMemory(length, count - length));
        });
        await using TestApp gateway = await Gateway.StartAsync(Settings("V2", server.Port), https: Gateway.WithClientCertificates);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port, tls: o => o.ClientCertificate = withCertificate ? TestCertificates.Client : null);
        await using HttpChannel channel = await client.OpenAsync();
        ProxyHeader header = await told.Task.Soon();
        Assert.True(header.TryGetTlv(ProxyTlv.Ssl, out ReadOnlyMemory<byte> ssl));
        Assert.Equal(withCertificate ? [0x07, 0, 0, 0, 0] : [0x01, 0, 0, 0, 1], ssl[..5].ToArray());
        ProxyHeader parts = new(2, isLocal: false, tlvs: ssl[5..]);
        Assert.Equal("TLSv1.3", Text(parts, ProxyTlv.SslVersion));
        Assert.Equal($"{client.Tls.CipherSuite}", Text(parts, ProxyTlv.SslCipher));
        Assert.Equal(withCertificate ? "client" : null, Text(parts, ProxyTlv.SslCommonName));
    }

    private static string? Text(ProxyHeader header, byte type) => header.TryGetTlv(type, out ReadOnlyMemory<byte> value) ? Encoding.UTF8.GetString(value.Span) : null;

    /// <summary>Starts HAProxy as a backend that returns the content of the header.</summary>
    private static Task<HaProxy> StartBehindAsync() => HaProxy.StartAsync(static port => $"""
        frontend behind
            mode http
            bind 127.0.0.1:{port} accept-proxy
            http-request return status 200 content-type text/plain lf-string "%[src];%[src_port];%[dst];%[dst_port];%[fc_pp_authority];%[fc_pp_unique_id]"
        """);

    private static async Task<string> GetAsync(RawClient client)
    {
        await using HttpChannel channel = await client.OpenAsync();
        await channel.SendAsync("GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n");
        return (await channel.ReadResponseAsync()).Body;
    }
}
