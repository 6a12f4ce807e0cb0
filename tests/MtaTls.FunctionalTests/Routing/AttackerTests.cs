using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Routing;

/// <summary>
/// Attacks through channel destinations. The gateway has the widest possible route: all channels of all clients go out over TCP. Even so, addresses that are not public must not be reachable
/// in any spelling.
/// </summary>
public class AttackerTests
{
    private const string Open = """{ "MtaTls": { "Channels": [ { "Action": "Tcp", "AllowAnonymous": true, "Hosts": [ "*", "0.0.0.0/0", "::/0" ], "AllowedNetworks": [ "0.0.0.0/0", "::/0" ] } ] } }""";

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1.")]
    [InlineData("127.9.9.9")]
    [InlineData("::1")]
    [InlineData("0:0:0:0:0:0:0:1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:7f00:1")]
    [InlineData("::127.0.0.1")]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    [InlineData("localhost")]
    [InlineData("LOCALHOST")]
    [InlineData("localhost.")]
    [InlineData("LocalHost.")]
    [InlineData("127.1")]
    [InlineData("127.0.1")]
    [InlineData("2130706433")]
    [InlineData("0x7f000001")]
    [InlineData("0x7f.1")]
    [InlineData("0177.0.0.1")]
    [InlineData("017700000001")]
    [InlineData("64:ff9b::7f00:1")]
    [InlineData("64:ff9b:1::7f00:1")]
    [InlineData("2002:7f00:1::1")]
    [InlineData("2001:0:808:808::80ff:fffe")]
    [InlineData("169.254.169.254")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("64:ff9b::a9fe:a9fe")]
    [InlineData("fd00:ec2::254")]
    [InlineData("10.0.0.1")]
    [InlineData("192.168.0.1")]
    [InlineData("172.16.0.1")]
    [InlineData("100.64.0.1")]
    [InlineData("fe80::1")]
    [InlineData("fc00::1")]
    [InlineData("224.0.0.1")]
    [InlineData("ff02::1")]
    [InlineData("255.255.255.255")]
    public async Task An_address_that_is_not_public_is_refused_and_never_connected_to(string host)
    {
        await using var server = TcpServer.StartEcho();
        await using var server6 = TcpServer.StartEcho(IPAddress.IPv6Loopback);
        await using TestApp gateway = await Gateway.StartAsync(Open);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        foreach (int port in (int[])[server.Port, server6.Port])
        {
            MtaTlsChannelRefusedException refusal = await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenAsync(host, port));
            Assert.Equal("Not available.", refusal.Reason);
        }

        Assert.Equal((0, 0), (server.Accepted, server6.Accepted));
        Assert.Empty(gateway.Messages("ChannelConnected"));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("0.0.0.0")]
    [InlineData("10.0.0.1")]
    [InlineData("64:ff9b::7f00:1")]
    public async Task A_name_that_resolves_to_such_an_address_is_refused(string address)
    {
        await using var server = TcpServer.StartEcho();
        var resolver = new FixedResolver([IPAddress.Parse(address)]);
        await using TestApp gateway = await Gateway.StartAsync(Open, configure: builder => builder.Services.AddSingleton<IHostResolver>(resolver));
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenAsync("innocent.example", server.Port));
        Assert.Equal(0, server.Accepted);
        Assert.Contains("innocent.example", Assert.Single(await gateway.LoggedAsync("AddressNotAllowed")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_changes_its_address_after_the_check_is_not_resolved_again()
    {
        await using var server = TcpServer.StartNamed("inside");
        // The first answer is allowed and the second is not. The connection uses the checked address, so there is no second lookup.
        var resolver = new FixedResolver([IPAddress.Parse("127.0.0.2")], [IPAddress.Parse("127.0.0.1")]);
        await using TestApp gateway = await Gateway.StartAsync(
            """{ "MtaTls": { "Channels": [ { "Action": "Tcp", "AllowAnonymous": true, "AllowedNetworks": [ "127.0.0.2" ] } ] } }""",
            configure: builder => builder.Services.AddSingleton<IHostResolver>(resolver));
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenAsync("rebind.example", server.Port));
        Assert.Equal((1, 0), (resolver.Calls, server.Accepted));
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenAsync("rebind.example", server.Port));
        Assert.Equal((2, 0), (resolver.Calls, server.Accepted));
    }

    [Fact]
    public async Task Of_several_addresses_only_those_that_are_allowed_are_connected_to()
    {
        await using var forbidden = TcpServer.StartNamed("forbidden");
        var resolver = new FixedResolver([IPAddress.IPv6Loopback, IPAddress.Loopback, IPAddress.Parse("169.254.169.254")]);
        await using TestApp gateway = await Gateway.StartAsync(Open, configure: builder => builder.Services.AddSingleton<IHostResolver>(resolver));
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenAsync("many.example", forbidden.Port));
        Assert.Equal(0, forbidden.Accepted);
        Assert.Equal(3, (await gateway.LoggedAsync("AddressNotAllowed", 3)).Length);
    }

    [Fact]
    public async Task A_listener_of_the_gateway_itself_is_refused_although_its_network_is_allowed()
    {
        await using TestApp gateway = await Gateway.StartAsync(
            """{ "MtaTls": { "Channels": [ { "Hosts": [ "127.0.0.1", "localhost" ], "Action": "Tcp", "AllowAnonymous": true, "AllowedNetworks": [ "127.0.0.0/8" ] } ] } }""");
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenAsync("127.0.0.1", gateway.Port));
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenAsync("localhost", gateway.Port));
        Assert.NotEmpty(await gateway.LoggedAsync("OwnListenerNotAllowed"));
    }

    [Fact]
    public async Task Port_0_is_refused()
    {
        await using TestApp gateway = await Gateway.StartAsync(Open);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenAsync("example.org", 0));
        Assert.Contains("port 0", Assert.Single(await gateway.LoggedAsync("ChannelNotConnected")), StringComparison.Ordinal);
    }

    public static TheoryData<string, byte[]> ForbiddenHosts() => new()
    {
        { "NUL", "app.test\0.evil.example"u8.ToArray() },
        { "CR LF", "app.test\r\nX-Evil: 1"u8.ToArray() },
        { "LF", "app.test\nForged log line"u8.ToArray() },
        { "escape", "app.test\u001b[2J"u8.ToArray() },
        { "IDN", Encoding.UTF8.GetBytes("bücher.example") },
        { "full width", Encoding.UTF8.GetBytes("ａpp.test") },
        { "zone", "fe80::1%eth0"u8.ToArray() },
        { "loopback with a zone", "::1%lo"u8.ToArray() },
        { "brackets", "[::1]"u8.ToArray() },
        { "space", "app test"u8.ToArray() },
        { "at sign", "user@app.test"u8.ToArray() },
        { "slash", "app.test/../"u8.ToArray() },
        { "65,000 characters", Enumerable.Repeat((byte)'a', 65_000).ToArray() },
        { "254 characters", Encoding.ASCII.GetBytes(string.Join('.', Enumerable.Repeat(new string('a', 50), 5))[..254]) },
    };

    [Theory]
    [MemberData(nameof(ForbiddenHosts))]
    public async Task A_destination_that_is_no_host_is_refused_and_the_session_goes_on(string kind, byte[] host)
    {
        Assert.NotEmpty(kind);
        await using TestApp gateway = await Gateway.StartAsync(Open);
        await using RawClient client = await RawClient.HandshakeAsync(gateway.Port);
        Assert.Equal(3, await OpenByHandAsync(client, 1, "192.0.2.7"u8.ToArray(), host));
        // A second open is answered too.
        Assert.Equal(3, await OpenByHandAsync(client, 2, "192.0.2.7"u8.ToArray(), host));
        AssertLogsAreClean(gateway);
    }

    [Theory]
    [MemberData(nameof(ForbiddenHosts))]
    public async Task A_claimed_source_that_is_no_host_appears_in_no_log_and_no_header(string kind, byte[] host)
    {
        Assert.NotEmpty(kind);
        await using TestApp gateway = await Gateway.StartAsync("{}");
        await using RawClient client = await RawClient.HandshakeAsync(gateway.Port);
        Assert.Equal(3, await OpenByHandAsync(client, 1, host, "app.test"u8.ToArray()));
        AssertLogsAreClean(gateway);
    }

    [Fact]
    public async Task Destinations_that_no_route_can_match_are_refused_if_there_are_routes()
    {
        await using TestApp gateway = await Gateway.StartAsync("""{ "MtaTls": { "Channels": [ { "Hosts": [ "closed.internal" ], "Action": "Reject" } ] } }""");
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        foreach (string host in (string[])["127.1", "closed.internal..", "-closed.internal", "closed..internal"])
        {
            await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenAsync(host, 80));
        }

        Assert.Equal("app", await client.GetAsync());
    }

    private static void AssertLogsAreClean(TestApp gateway) =>
        Assert.All(gateway.Logs.GetSnapshot().Where(r => r.Category!.StartsWith("MtaTls", StringComparison.Ordinal)), record => Assert.DoesNotContain(record.Message, char.IsControl));

    /// <summary>Sends a ChannelEstablishmentRequest (type 1) byte by byte and returns the type of the answer, which must have the same sender_channel_id.</summary>
    private static async Task<byte> OpenByHandAsync(RawClient client, ushort senderChannelId, byte[] source, byte[] destination)
    {
        var body = new MemoryStream();
        void Number(uint value, int octets)
        {
            Span<byte> buffer = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(buffer, value);
            body.Write(buffer[(4 - octets)..]);
        }

        Number(senderChannelId, 2);
        Number(65_536, 4);
        Number(16_000, 4);
        Number((uint)source.Length, 2);
        body.Write(source);
        Number(1, 2);
        // Both must fit in the packet's length field of two bytes.
        destination = destination.Length + body.Length > 65_500 ? destination[..(int)(65_500 - body.Length)] : destination;
        Number((uint)destination.Length, 2);
        body.Write(destination);
        Number(80, 2);

        byte[] packet = new byte[3 + body.Length];
        packet[0] = 1;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(1), (ushort)body.Length);
        body.ToArray().CopyTo(packet, 3);
        client.Tls.Write(packet);
        await client.Tls.FlushAsync();

        byte[] answer = new byte[4096];
        int count = 0;
        while (count < 5)
        {
            int read = await client.Tls.ReadAsync(answer.AsMemory(count)).Soon();
            Assert.NotEqual(0, read);
            count += read;
        }

        Assert.Equal(senderChannelId, BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(3)));
        return answer[0];
    }

    /// <summary>A name server of the attacker: each question gets the next answer.</summary>
    private sealed class FixedResolver(params IPAddress[][] answers) : IHostResolver
    {
        private int _calls;

        public int Calls => Volatile.Read(ref _calls);

        public Task<IPAddress[]> ResolveAsync(string name, ClientAddress client, CancellationToken cancellationToken) =>
            Task.FromResult(answers[Math.Min(Interlocked.Increment(ref _calls), answers.Length) - 1]);
    }
}
