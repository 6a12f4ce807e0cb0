using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Interop;

/// <summary>MtaTlsClient and HttpClient with another implementation of the server. <c>server_cases.py</c> describes what the server does in each case.</summary>
public sealed class PeerServerTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mtatls-peer-");

    public static TheoryData<string> Versions => ["1.2", "1.3"];

    public void Dispose() => _directory.Delete(recursive: true);

    // Sections 2.1 and 2.2: the server's windows have 1,000 bytes, its packets at most 100.
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task HttpClient_is_served_in_channels_side_by_side(string version)
    {
        await using PeerProcess peer = await StartAsync("http", version);
        await using (MtaTlsClient client = await ConnectAsync(peer))
        {
            using HttpClient http = Http(client);
            byte[] upload = Pattern(200_000);
            string hash = $"{upload.Length} {Convert.ToHexStringLower(SHA256.HashData(upload))}";
            await Task.WhenAll(Enumerable.Range(0, 10).Select(async i =>
            {
                Assert.Equal("fixed", await http.GetStringAsync(Uri(peer, "/")).Soon());
                Assert.Equal(Pattern(300_000), await http.GetByteArrayAsync(Uri(peer, "/bytes/300000")).Soon());
                if (i < 3)
                {
                    using ByteArrayContent content = new(upload);
                    using HttpResponseMessage response = await http.PostAsync(Uri(peer, "/"), content).Soon();
                    Assert.Equal(hash, await response.Content.ReadAsStringAsync());
                }
            }));
            Assert.Equal(1, client.GetStatistics().Handshakes);
        }

        await peer.SucceedAsync();
    }

    // Section 2.1: "revert to an ordinary TLS handshake or stop the negotiation".
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_server_without_the_extension_causes_a_fallback_or_an_error(string version)
    {
        await using PeerProcess peer = await StartAsync("plain", version);
        await using (MtaTlsClient client = await ConnectAsync(peer))
        {
            using HttpClient http = Http(client);
            Assert.Equal("fixed", await http.GetStringAsync(Uri(peer, "/")).Soon());
        }

        await using MtaTlsClient elsewhere = await ConnectAsync(peer);
        await Assert.ThrowsAsync<MtaTlsNotNegotiatedException>(() => elsewhere.OpenChannelAsync("other.example", 443).Soon());
        await Assert.ThrowsAsync<MtaTlsNotNegotiatedException>(() => ConnectAsync(peer, o => o.Mode = MtaTlsClientMode.Required));
        await elsewhere.DisposeAsync();
        await peer.SucceedAsync();
    }

    // Section 2: "The extension_data field of this extension SHALL be empty".
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task An_answer_that_is_not_empty_is_a_decode_error(string version)
    {
        await using PeerProcess peer = await StartAsync("answer_not_empty", version);
        Exception failure = await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(peer));
        Assert.True(failure is IOException or AuthenticationException, failure.ToString());
        await peer.SucceedAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task The_end_of_TCP_without_close_notify_is_an_error_for_readers(string version)
    {
        await using PeerProcess peer = await StartAsync("truncation", version);
        await using MtaTlsClient client = await ConnectAsync(peer);
        await using MtaTlsClientChannel idle = await client.OpenChannelAsync("idle.example", 7).Soon();
        using HttpClient http = Http(client);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => http.GetStringAsync(new Uri("https://cut.example/")).Soon());
        await Assert.ThrowsAnyAsync<IOException>(() => ReadToEndAsync(idle).Soon());
        await peer.SucceedAsync();
    }

    // Section 2.1.1.
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_refused_open_is_an_error_and_the_session_goes_on(string version)
    {
        await using PeerProcess peer = await StartAsync("refuses", version);
        await using (MtaTlsClient client = await ConnectAsync(peer))
        {
            await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenChannelAsync("other.example", 7).Soon());
            using HttpClient http = Http(client);
            await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(new Uri("https://other.example/")).Soon());
            await EchoAsync(client);
        }

        await peer.SucceedAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Channels_that_the_server_opens_are_refused_unless_the_client_accepts_them(string version)
    {
        await using PeerProcess peer = await StartAsync("opens_refused", version);
        await using (MtaTlsClient client = await ConnectAsync(peer))
        {
            await EchoAsync(client);
        }

        await peer.SucceedAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Channels_that_the_server_opens_are_served(string version)
    {
        TaskCompletionSource served = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using PeerProcess peer = await StartAsync("opens_accepted", version);
        await using (MtaTlsClient client = await ConnectAsync(peer, o => o.ChannelRequested = (request, cancel) =>
        {
            Assert.Equal(new ChannelAddress("echo.example", 7), request.Destination);
            _ = ServeAsync(request.Accept());
            return ValueTask.CompletedTask;
        }))
        {
            await served.Task.Soon();
        }

        await peer.SucceedAsync();

        async Task ServeAsync(MtaTlsChannel channel)
        {
            await using (channel)
            {
                await channel.Input.CopyToAsync(channel.Output);
            }

            served.SetResult();
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_second_request_with_a_pending_id_ends_the_session(string version)
    {
        await using PeerProcess peer = await StartAsync("duplicate_pending", version);
        await using MtaTlsClient client = await ConnectAsync(peer, o => o.ChannelRequested = async (request, cancel) => await Task.Delay(Timeout.Infinite, cancel));
        await peer.SucceedAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_request_with_the_id_half_of_a_pending_open_is_refused(string version)
    {
        await using PeerProcess peer = await StartAsync("same_half", version);
        await using (MtaTlsClient client = await ConnectAsync(peer, o => o.ChannelRequested = (request, _) =>
        {
            request.Accept();
            return ValueTask.CompletedTask;
        }))
        {
            await EchoAsync(client);
        }

        await peer.SucceedAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task The_late_success_of_a_cancelled_open_is_closed_at_once(string version)
    {
        await using PeerProcess peer = await StartAsync("late_success", version);
        await using (MtaTlsClient client = await ConnectAsync(peer))
        {
            using CancellationTokenSource cancel = new();
            await using MtaTlsClientChannel echo = await client.OpenChannelAsync("echo.example", 7).Soon();
            Task<MtaTlsClientChannel> late = client.OpenChannelAsync("late.example", 7, cancel.Token).AsTask();
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => late.Soon());
            await EchoAsync(echo);
            await EchoAsync(echo);
        }

        await peer.SucceedAsync();
    }

    // Section 2.2: no window, then increments of the window, and other packet lengths.
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task The_servers_windows_and_packet_lengths_are_kept(string version)
    {
        await using PeerProcess peer = await StartAsync("windows", version);
        await using (MtaTlsClient client = await ConnectAsync(peer))
        {
            await using MtaTlsClientChannel zero = await client.OpenChannelAsync("zero.example", 7).Soon();
            Task write = zero.WriteAsync(Pattern(50_000)).AsTask();
            await using MtaTlsClientChannel echo = await client.OpenChannelAsync("echo.example", 7).Soon();
            await EchoAsync(echo);
            await write.Soon();
            byte[] answer = new byte[6];
            await zero.ReadExactlyAsync(answer).Soon();
            Assert.Equal("got it"u8.ToArray(), answer);
        }

        await peer.SucceedAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task An_application_that_does_not_read_stops_only_its_channel(string version)
    {
        await using PeerProcess peer = await StartAsync("window_is_a_limit", version);
        await using (MtaTlsClient client = await ConnectAsync(peer))
        {
            await using MtaTlsClientChannel flood = await client.OpenChannelAsync("flood.example", 7).Soon();
            await EchoAsync(client);
            byte[] all = new byte[1_000_000];
            await flood.ReadExactlyAsync(all).Soon();
            Assert.DoesNotContain(all, b => b != 'f');
        }

        await peer.SucceedAsync();
    }

    // Section 3: "both parties immediately close the related channel, but not the TLS session".
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Errors_of_a_channel_end_only_that_channel(string version)
    {
        await using PeerProcess peer = await StartAsync("channel_errors", version);
        await using (MtaTlsClient client = await ConnectAsync(peer))
        {
            await using MtaTlsClientChannel echo = await client.OpenChannelAsync("echo.example", 7).Soon();
            foreach (string name in (string[])["packet", "window", "overflow"])
            {
                await using MtaTlsClientChannel channel = await client.OpenChannelAsync($"{name}.example", 7).Soon();
                await EchoAsync(echo); // answered when the channel has been closed
                await Assert.ThrowsAnyAsync<IOException>(() => ReadToEndAsync(channel).Soon());
            }

            Assert.Equal(1, client.GetStatistics().Handshakes);
        }

        await peer.SucceedAsync();
    }

    // Section 2.1.2.
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Channels_are_closed_from_either_end_and_from_both(string version)
    {
        await using PeerProcess peer = await StartAsync("closing", version);
        await using (MtaTlsClient client = await ConnectAsync(peer))
        {
            await using (MtaTlsClientChannel bye = await client.OpenChannelAsync("bye.example", 7).Soon())
            {
                Assert.Equal("bye", await ReadToEndAsync(bye).Soon());
            }

            await using (MtaTlsClientChannel cross = await client.OpenChannelAsync("cross.example", 7).Soon())
            {
                await cross.WriteAsync("everything that was written"u8.ToArray());
            }

            await EchoAsync(client);
        }

        await peer.SucceedAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Close_notify_is_answered_and_completes_channels(string version)
    {
        await using PeerProcess peer = await StartAsync("ends", version);
        await using MtaTlsClient client = await ConnectAsync(peer);
        await using MtaTlsClientChannel idle = await client.OpenChannelAsync("idle.example", 7).Soon();
        await using MtaTlsClientChannel channel = await client.OpenChannelAsync("other.example", 7).Soon();
        await channel.WriteAsync("x"u8.ToArray());
        Assert.Equal("bye", await ReadToEndAsync(channel).Soon());
        Assert.Equal("", await ReadToEndAsync(idle).Soon());
        await peer.SucceedAsync();
    }

    // Section 2.3.
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Invalid_packets_end_the_session(string version)
    {
        await using PeerProcess peer = await StartAsync("broken_packets", version);
        for (int i = 0; i < peer.Sessions; i++)
        {
            await using MtaTlsClient client = await ConnectAsync(peer);
            Exception failure = await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                await using MtaTlsClientChannel channel = await client.OpenChannelAsync("other.example", 7).Soon();
                await channel.WriteAsync("x"u8.ToArray());
                await ReadToEndAsync(channel).Soon();
            });
            // An open without an answer is tried once more, when the server no longer listens.
            Assert.True(failure is IOException or SocketException, failure.ToString());
        }

        await peer.SucceedAsync();
    }

    private Task<PeerProcess> StartAsync(string name, string version) => PeerProcess.StartServerAsync(name, version, _directory.FullName);

    private static Task<MtaTlsClient> ConnectAsync(PeerProcess peer, Action<MtaTlsClientOptions>? configure = null)
    {
        MtaTlsClientOptions options = new()
        {
            Host = "localhost",
            Port = peer.Port,
            CertificateChainPolicy = TestCertificates.TrustRoot(),
            ApplicationProtocols = [System.Net.Security.SslApplicationProtocol.Http11],
            // A busy machine may be silent for seconds. A client with pings then opens another session.
            KeepAlive = { Ping = false },
        };
        options.Limits.InitialWindowSize = 16_384;
        options.Limits.MaxWindowSize = 65_536;
        options.Limits.MaxPacketLength = 4_096;
        configure?.Invoke(options);
        return MtaTlsClient.ConnectAsync(options).Soon();
    }

    private static HttpClient Http(MtaTlsClient client) => new(new SocketsHttpHandler().UseMtaTls(client)) { Timeout = Wait.Timeout };

    private static Uri Uri(PeerProcess peer, string path) => new($"https://localhost:{peer.Port}{path}");

    private static byte[] Pattern(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)(i % 251))];

    private static async Task<string> ReadToEndAsync(Stream channel)
    {
        using StreamReader reader = new(channel, Encoding.ASCII, leaveOpen: true);
        return await reader.ReadToEndAsync();
    }

    private static async Task EchoAsync(MtaTlsClient client)
    {
        await using MtaTlsClientChannel channel = await client.OpenChannelAsync("echo.example", 7).Soon();
        await EchoAsync(channel);
    }

    private static async Task EchoAsync(MtaTlsClientChannel channel)
    {
        byte[] sent = "there and back"u8.ToArray(), back = new byte[sent.Length];
        await channel.WriteAsync(sent).Soon();
        await channel.ReadExactlyAsync(back).Soon();
        Assert.Equal(sent, back);
    }
}
