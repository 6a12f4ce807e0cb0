using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Tls;

/// <summary>
/// The probes of a security scanner, with ClientHellos that the test writes. They go to both TLS implementations on the port: the engine, for clients that offer the extension, and Kestrel's HTTPS for all others.
/// </summary>
public sealed class HelloScanTests
{
    private const byte ChangeCipherSpec = 20, Alert = 21, Handshake = 22, ApplicationData = 23, Heartbeat = 24;
    private const int UnexpectedMessage = 10, RecordOverflow = 22, HandshakeFailure = 40, ProtocolVersion = 70, InappropriateFallback = 86, NoApplicationProtocol = 120;
    private const ushort FallbackScsv = 0x5600, RenegotiationScsv = 0x00FF;

    private static readonly ushort[] s_usual = [0x1301, 0xC02B, 0xC02F, RenegotiationScsv];

    /// <summary>Suites with null encryption, no authentication, EXPORT, RC4, DES, 3DES, or RSA key transport. None has forward secrecy, encryption and authentication together.</summary>
    private static readonly ushort[] s_weak =
    [
        0x0001, 0x0002, 0x003B, 0xC006, 0xC010, 0x0018, 0x001B, 0x0034, 0x006C, 0x006D, 0xC018, 0x0003, 0x0006, 0x0008, 0x0004, 0x0005, 0xC007, 0xC011, 0x0009, 0x0015, 0x000A,
        0x0016, 0xC008, 0xC012, 0x002F, 0x0035, 0x003C, 0x003D, 0x0041, 0x0084, 0x009C, 0x009D, 0x00FF,
    ];

    // SSL 3.0 has no protocol_version alert, and .NET refuses the other versions without that alert.
    [Theory]
    [InlineData(0x0300, false, HandshakeFailure)]
    [InlineData(0x0300, true, HandshakeFailure)]
    [InlineData(0x0301, false, HandshakeFailure)]
    [InlineData(0x0301, true, ProtocolVersion)]
    [InlineData(0x0302, false, HandshakeFailure)]
    [InlineData(0x0302, true, ProtocolVersion)]
    public async Task Versions_below_TLS_1_2_are_refused(int version, bool offered, int alert)
    {
        await using TestApp app = await StartAsync();
        byte[] hello = Hello.Message((ushort)version, [0xC009, 0xC013, 0x002F, 0x0035, 0x000A, 0x00FF], [0], Extensions(offered, tls13: false));
        await AssertRefusedAsync(app, hello, alert);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Versions_that_the_endpoint_does_not_enable_are_refused(bool offered)
    {
        byte[] hello12 = Hello.Message(Extensions(offered, tls13: false)), hello13 = Hello.Message([.. Extensions(offered, tls13: true), Hello.SupportedVersions(0x0304)]);
        await using (TestApp app = await StartAsync(https => https.SslProtocols = SslProtocols.Tls12))
        {
            await AssertRefusedAsync(app, hello13, ProtocolVersion);
            Assert.NotNull(await AskAsync(app, hello12));
        }
        await using (TestApp app = await StartAsync(https => https.SslProtocols = SslProtocols.Tls13))
        {
            await AssertRefusedAsync(app, hello12, ProtocolVersion);
            Assert.NotNull(await AskAsync(app, hello13));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Weak_cipher_suites_are_refused(bool offered)
    {
        await using TestApp app = await StartAsync(https => https.ServerCertificate = TestCertificates.RsaServer);
        await AssertRefusedAsync(app, Hello.Message(0x0303, s_weak, [0], Extensions(offered, tls13: false)), HandshakeFailure);
    }

    // The engine has no CBC suites either; for Kestrel's HTTPS, .NET decides.
    [Fact]
    public async Task The_engine_has_only_authenticated_encryption()
    {
        await using TestApp app = await StartAsync(https => https.ServerCertificate = TestCertificates.RsaServer);
        await AssertRefusedAsync(app, Hello.Message(0x0303, [0xC013, 0xC014, 0xC027, 0xC028, 0x0033, 0x0039, 0x009E, 0x009F, 0x00FF], [0], Extensions(true, tls13: false)), HandshakeFailure);
        Assert.Equal(0xC02F, (await AskAsync(app, Hello.Message(0x0303, [0xC013, 0xC02F, 0x00FF], [0], Extensions(true, tls13: false))))!.CipherSuite);
    }

    /// <summary>ffdhe8192 costs the server much CPU time, but not a client that only offers it.</summary>
    [Fact]
    public async Task The_engine_exchanges_keys_only_over_curves()
    {
        await using TestApp app = await StartAsync();
        byte[] groups = Hello.Extension(10, Hello.Vector16([.. Hello.Number(0x0100), .. Hello.Number(0x0104)]));
        byte[] share = Hello.Extension(51, Hello.Vector16([.. Hello.Number(0x0104), .. Hello.Vector16([2, .. new byte[1023]])]));
        await AssertRefusedAsync(app, Hello.Message(groups, Hello.KeyExchange()[1], share, Hello.SupportedVersions(0x0304), Offer), HandshakeFailure);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Neither_compression_nor_heartbeats_are_negotiated(bool offered)
    {
        await using TestApp app = await StartAsync();
        byte[] heartbeat = Hello.Extension(15, [1]);
        ServerHello answer = (await AskAsync(app, Hello.Message(0x0303, s_usual, [1, 0], [.. Extensions(offered, tls13: false), heartbeat])))!;
        Assert.Equal(0, answer.Compression);
        Assert.DoesNotContain(15, answer.Extensions);
        // renegotiation_info (RFC 5746) answers the client's SCSV.
        Assert.Contains(0xFF01, answer.Extensions);
        Assert.Equal(offered, answer.Extensions.Contains(65389));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Extended_master_secrets_are_used_if_the_client_supports_them(bool offered)
    {
        await using TestApp app = await StartAsync();
        ServerHello answer = (await AskAsync(app, Hello.Message([.. Extensions(offered, tls13: false), Hello.Extension(23, [])])))!;
        Assert.Contains(23, answer.Extensions);
    }

    // RFC 8446, section 4.1.3: a server that supports TLS 1.3 marks a handshake of a lower version.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_downgrade_is_marked_in_the_random(bool offered)
    {
        await using TestApp app = await StartAsync();
        ServerHello answer = (await AskAsync(app, Hello.Message(Extensions(offered, tls13: false))))!;
        Assert.Equal("DOWNGRD\u0001"u8.ToArray(), answer.Random[24..]);
        await using TestApp old = await StartAsync(https => https.SslProtocols = SslProtocols.Tls12);
        ServerHello honest = (await AskAsync(old, Hello.Message(Extensions(offered, tls13: false))))!;
        Assert.NotEqual("DOWNGRD\u0001"u8.ToArray(), honest.Random[24..]);
    }

    // RFC 7507.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_fallback_that_was_not_needed_is_refused(bool offered)
    {
        await using TestApp app = await StartAsync();
        await AssertRefusedAsync(app, Hello.Message(0x0303, [.. s_usual, FallbackScsv], [0], Extensions(offered, tls13: false)), InappropriateFallback);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task No_application_protocol_in_common_is_refused(bool offered, bool tls13)
    {
        await using TestApp app = await StartAsync();
        byte[] hello = Hello.Message([.. Extensions(offered, tls13), Hello.Alpn("smtp", "spdy/3"), .. tls13 ? [Hello.SupportedVersions(0x0304)] : Array.Empty<byte[]>()]);
        await AssertRefusedAsync(app, hello, NoApplicationProtocol);
    }

    // CVE-2014-0224: ChangeCipherSpec before there are keys.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ChangeCipherSpec_before_the_keys_is_refused(bool offered)
    {
        await using TestApp app = await StartAsync();
        Assert.Equal(UnexpectedMessage, await SendAfterHelloAsync(app, offered, [ChangeCipherSpec, 3, 3, 0, 1, 1]));
    }

    // CVE-2014-0160: a heartbeat of three bytes whose length field says 16 KiB.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_heartbeat_is_refused(bool offered)
    {
        await using TestApp app = await StartAsync();
        Assert.Equal(UnexpectedMessage, await SendAfterHelloAsync(app, offered, [Heartbeat, 3, 3, 0, 3, 1, 0x40, 0]));
    }

    // SslStream waits for the 64 KiB, but not longer than HandshakeTimeout.
    [Fact]
    public async Task A_record_that_is_too_long_is_refused_by_the_engine_before_it_has_arrived()
    {
        await using TestApp app = await StartAsync();
        Assert.Equal(RecordOverflow, await SendAfterHelloAsync(app, true, [Handshake, 3, 3, 0xFF, 0xFF, 0, 0, 0, 0]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Data_before_the_end_of_the_handshake_is_refused(bool offered)
    {
        await using TestApp app = await StartAsync();
        Assert.Equal(UnexpectedMessage, await SendAfterHelloAsync(app, offered, [ApplicationData, 3, 3, 0, 5, 1, 2, 3, 4, 5]));
    }

    // Endless warning alerts would keep a handshake busy (CVE-2016-8610), so the connection ends after some.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Endless_warnings_end_the_connection(bool offered)
    {
        await using TestApp app = await StartAsync();
        byte[] warnings = [.. Enumerable.Repeat<byte[]>([Alert, 3, 3, 0, 2, 1, 90], 100).SelectMany(static w => w)];
        Assert.NotNull(await SendAfterHelloAsync(app, offered, warnings));
    }

    // An ordinary ClientHello with much padding (RFC 7685).
    [Theory]
    [InlineData(300, true)]
    [InlineData(1_000, false)]
    public async Task A_hello_longer_than_MaxClientHelloLength_is_served_by_Kestrel(int padding, bool multiplexed)
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), o => o.Limits.MaxClientHelloLength = 600);
        ServerHello? answer = await AskAsync(app, Hello.Message([.. Extensions(offered: true, tls13: false), Hello.Extension(21, new byte[padding])]));
        Assert.Equal(multiplexed, answer!.Extensions.Contains(65389));
        if (multiplexed)
        {
            Assert.Empty(app.Messages("LimitReached"));
        }
        else
        {
            Assert.Contains(await app.LoggedAsync("LimitReached"), static message => message.Contains("MaxClientHelloLength", StringComparison.Ordinal));
        }
    }

    private static byte[] Offer => Hello.Extension(65389, []);

    private static byte[][] Extensions(bool offered, bool tls13)
    {
        byte[][] exchange = tls13 ? Hello.KeyExchange() : Hello.KeyExchange()[..2];
        return offered ? [.. exchange, Offer] : exchange;
    }

    private static Task<TestApp> StartAsync(Action<HttpsConnectionAdapterOptions>? https = null) => TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), https: https);

    private static async Task AssertRefusedAsync(TestApp app, byte[] hello, int alert)
    {
        using Peer peer = await Peer.ConnectAsync(app.Port);
        await peer.SendAsync(Hello.Records(hello));
        Assert.Equal(alert, await peer.ReadFatalAlertAsync());
    }

    /// <summary>Returns the ServerHello; null if the server refuses the ClientHello.</summary>
    private static async Task<ServerHello?> AskAsync(TestApp app, byte[] hello)
    {
        using Peer peer = await Peer.ConnectAsync(app.Port);
        await peer.SendAsync(Hello.Records(hello));
        return ServerHello.Parse(await peer.ReadRecordAsync());
    }

    /// <summary>Begins a handshake of TLS 1.2, sends unexpected bytes, and returns the fatal alert.</summary>
    private static async Task<int?> SendAfterHelloAsync(TestApp app, bool offered, byte[] octets)
    {
        using Peer peer = await Peer.ConnectAsync(app.Port);
        await peer.SendAsync(Hello.Records(Hello.Message(Extensions(offered, tls13: false))));
        var answer = ServerHello.Parse(await peer.ReadRecordAsync());
        Assert.Equal(offered, answer!.Extensions.Contains(65389));
        await peer.SendAsync(octets);
        return await peer.ReadFatalAlertAsync();
    }

    private sealed record ServerHello(byte[] Random, int CipherSuite, int Compression, int[] Extensions)
    {
        public static ServerHello? Parse((byte Type, byte[] Body)? record)
        {
            if (record is not (Handshake, [2, ..] and var body))
            {
                return null;
            }

            int at = 4 + 2 + 32;
            at += 1 + body[at];
            int suite = body[at] << 8 | body[at + 1], compression = body[at + 2];
            List<int> extensions = [];
            for (at += 5; at + 4 <= 4 + (body[2] << 8 | body[3]); at += 4 + (body[at + 2] << 8 | body[at + 3]))
            {
                extensions.Add(body[at] << 8 | body[at + 1]);
            }

            return new ServerHello(body[6..38], suite, compression, [.. extensions]);
        }
    }

    /// <summary>A connection on which the test reads and writes TLS records.</summary>
    private sealed class Peer(Socket socket) : IDisposable
    {
        private readonly NetworkStream _stream = new(socket, ownsSocket: true);

        public static async Task<Peer> ConnectAsync(int port)
        {
            Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, port);
            return new Peer(socket);
        }

        public Task SendAsync(byte[] octets) => _stream.WriteAsync(octets).Soon();

        /// <summary>Reads the next record; null at the end of the connection.</summary>
        public async Task<(byte Type, byte[] Body)?> ReadRecordAsync()
        {
            byte[] header = new byte[5];
            try
            {
                if (await _stream.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false).Soon() < header.Length)
                {
                    return null;
                }

                byte[] body = new byte[header[3] << 8 | header[4]];
                await _stream.ReadExactlyAsync(body).Soon();
                return (header[0], body);
            }
            catch (IOException)
            {
                // A server that closes the connection with unread bytes resets it.
                return null;
            }
        }

        /// <summary>Reads to the end, and checks that only handshake messages and alerts arrive. Returns the fatal alert, or null if there is none.</summary>
        public async Task<int?> ReadFatalAlertAsync()
        {
            int? alert = null;
            while (await ReadRecordAsync() is var (type, body))
            {
                Assert.True(type is Alert or Handshake, $"A record of type {type}.");
                alert = type == Alert && body[0] == 2 ? body[1] : alert;
            }

            return alert;
        }

        public void Dispose() => _stream.Dispose();
    }
}
