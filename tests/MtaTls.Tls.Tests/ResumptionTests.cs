using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

/// <summary>Section 3 of the draft, and docs/mta-tls-wire.md, "Errors": only stateful resumption, none after a fatal error, never across endpoints or names.</summary>
public class ResumptionTests
{
    public static TheoryData<SslProtocols> Versions => TlsTest.Versions;

    /// <summary>.NET's switch for SslStream turns resumption off here too. Runs in a separate process.</summary>
    [Theory]
    [InlineData("1")]
    [InlineData("true")]
    public Task Nothing_is_resumed_where_NET_resumes_nothing(string value) => ChildProcess.RunAsync(
        typeof(ResumptionTests).Assembly, Program.Success, new Dictionary<string, string> { ["DOTNET_SYSTEM_NET_SECURITY_DISABLETLSRESUME"] = value }, "resume");

    /// <summary>The work of the process of <see cref="Nothing_is_resumed_where_NET_resumes_nothing"/>.</summary>
    internal static async Task AssertNothingIsResumedAsync()
    {
        foreach (SslProtocols version in new[] { SslProtocols.Tls12, SslProtocols.Tls13 })
        {
            using TlsServerContext server = TlsTest.Server(version);
            using TlsClientContext client = TlsTest.Client(version);
            Assert.False(await ConnectOnceAsync(client, server));
            Assert.False(await ConnectOnceAsync(client, server));
            Assert.Equal(0, server.Sessions.Count);
            Assert.Equal(0, client.Sessions.Count);
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Orderly_session_is_resumed_and_negotiates_the_extension_again(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version);
        Assert.False(await ConnectOnceAsync(client, server));
        for (int i = 0; i < 3; i++)
        {
            Assert.True(await ConnectOnceAsync(client, server));
        }

        Assert.Equal(1, server.Sessions.Count);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
    [InlineData(SslProtocols.Tls12, false)]
    [InlineData(SslProtocols.Tls13, false)]
    public async Task Forbidden_session_is_not_resumed(SslProtocols version, bool byServer)
    {
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version);
        Assert.False(await ConnectOnceAsync(client, server, pair => (byServer ? pair.Server : pair.Client).ForbidResumption()));
        Assert.Equal(byServer ? 0 : 1, server.Sessions.Count);
        Assert.False(await ConnectOnceAsync(client, server));
        Assert.True(await ConnectOnceAsync(client, server, pair => (byServer ? pair.Server : pair.Client).ForbidResumption()));
        Assert.False(await ConnectOnceAsync(client, server));
    }

    /// <summary>A copy of the ticket or id of the resumed session cannot be used either.</summary>
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Forbidding_a_resumed_session_forbids_the_one_that_it_came_from(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version);
        using TlsClientContext copy = TlsTest.Client(version);
        Assert.False(await ConnectOnceAsync(client, server, pair => Steal(client, copy)));
        Assert.True(await ConnectOnceAsync(client, server, pair => pair.Server.ForbidResumption()));
        Assert.Equal(0, server.Sessions.Count);
        Assert.False(await ConnectOnceAsync(copy, server));
    }

    [Fact]
    public async Task Ticket_of_tls13_is_good_for_one_resumption()
    {
        using TlsServerContext server = TlsTest.Server(SslProtocols.Tls13);
        using TlsClientContext client = TlsTest.Client(SslProtocols.Tls13);
        using TlsClientContext copy = TlsTest.Client(SslProtocols.Tls13);
        Assert.False(await ConnectOnceAsync(client, server, pair => Steal(client, copy)));
        Assert.True(await ConnectOnceAsync(client, server));
        Assert.False(await ConnectOnceAsync(copy, server));
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
    [InlineData(SslProtocols.Tls12, false)]
    [InlineData(SslProtocols.Tls13, false)]
    public async Task Session_that_did_not_end_in_order_is_not_resumed(SslProtocols version, bool abort)
    {
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version);
        Pair pair = await TlsTest.ConnectAsync(client, server);
        await pair.Server.SendAsync([1]);
        await pair.Client.ReadExactlyAsync(1);
        if (abort)
        {
            pair.Server.Abort();
            pair.Client.Abort();
        }

        await pair.DisposeAsync();
        Assert.Equal(0, server.Sessions.Count);
        Assert.Equal(0, client.Sessions.Count);
        Assert.False(await ConnectOnceAsync(client, server));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Session_does_not_cross_contexts(SslProtocols version)
    {
        using TlsServerContext one = TlsTest.Server(version);
        using TlsServerContext other = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version);
        Assert.False(await ConnectOnceAsync(client, one));
        Assert.False(await ConnectOnceAsync(client, other));
    }

    /// <summary>The same endpoint and certificate with another server name, and the reverse.</summary>
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Session_does_not_cross_server_names_or_certificates(SslProtocols version)
    {
        X509Certificate2 current = TestCertificates.Server;
        using TlsServerContext server = TlsTest.Server(version, o => o.ServerCertificateSelector = (_, _) => current);
        using TlsClientContext a = TlsTest.Client(version, o => o.TargetHost = "a.example.test");
        using TlsClientContext b = TlsTest.Client(version, o => o.TargetHost = "b.example.test");
        Assert.False(await ConnectOnceAsync(a, server, _ => Steal(a, b)));
        Assert.False(await ConnectOnceAsync(b, server));

        using TlsClientContext client = TlsTest.Client(version);
        Assert.False(await ConnectOnceAsync(client, server));
        current = TestCertificates.RsaServer;
        Assert.False(await ConnectOnceAsync(client, server));
        Assert.True(await ConnectOnceAsync(client, server));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Client_certificate_survives_and_is_validated_anew(SslProtocols version)
    {
        bool answer = true;
        int validated = 0;
        using TlsServerContext server = TlsTest.Server(version, o =>
        {
            o.ClientCertificateMode = TlsClientCertificateMode.RequireCertificate;
            o.ClientCertificateValidation = (_, _, _) =>
            {
                validated++;
                return answer;
            };
        });
        using TlsClientContext client = TlsTest.Client(version, o => o.ClientCertificate = TestCertificates.Client);
        Assert.False(await ConnectOnceAsync(client, server));
        for (int i = 0; i < 2; i++)
        {
            Assert.True(await ConnectOnceAsync(client, server, pair => Assert.Equal(TestCertificates.Client, pair.Server.RemoteCertificate)));
        }

        Assert.Equal(3, validated);
        answer = false;
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(serverPipe, server, null, TlsTest.Timeout()).AsTask();
        Task<TlsConnection> connect = TlsConnection.ConnectAsync(clientPipe, client, TlsTest.Timeout()).AsTask();
        await Assert.ThrowsAsync<AuthenticationException>(() => accept);
        await Record.ExceptionAsync(() => connect);
        Assert.Equal(0, server.Sessions.Count);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Server_certificate_is_validated_anew(SslProtocols version)
    {
        bool answer = true;
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version, o => o.RemoteCertificateValidationCallback = (_, _, _, _) => answer);
        Assert.False(await ConnectOnceAsync(client, server));
        Assert.True(await ConnectOnceAsync(client, server, pair => Assert.Equal(TestCertificates.Server, pair.Client.RemoteCertificate)));
        answer = false;
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(serverPipe, server, null, TlsTest.Timeout()).AsTask();
        await Assert.ThrowsAsync<AuthenticationException>(() => TlsConnection.ConnectAsync(clientPipe, client, TlsTest.Timeout()).AsTask());
        await Assert.ThrowsAsync<AuthenticationException>(() => accept);
        Assert.Equal(0, client.Sessions.Count);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
    [InlineData(SslProtocols.Tls12, false)]
    [InlineData(SslProtocols.Tls13, false)]
    public async Task Cache_of_size_zero_turns_resumption_off(SslProtocols version, bool atServer)
    {
        using TlsServerContext server = TlsTest.Server(version, o => o.SessionCacheSize = atServer ? 0 : o.SessionCacheSize);
        using TlsClientContext client = TlsTest.Client(version, o => o.SessionCacheSize = atServer ? o.SessionCacheSize : 0);
        Assert.False(await ConnectOnceAsync(client, server));
        Assert.False(await ConnectOnceAsync(client, server));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Server_cache_drops_the_least_recently_used(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version, o => o.SessionCacheSize = 2);
        TlsClientContext[] clients = [.. Enumerable.Range(0, 3).Select(_ => TlsTest.Client(version))];
        Assert.False(await ConnectOnceAsync(clients[0], server));
        Assert.False(await ConnectOnceAsync(clients[1], server));
        Assert.True(await ConnectOnceAsync(clients[0], server));
        Assert.False(await ConnectOnceAsync(clients[2], server));
        Assert.Equal(2, server.Sessions.Count);
        Assert.True(await ConnectOnceAsync(clients[0], server));
        Assert.False(await ConnectOnceAsync(clients[1], server));
        Array.ForEach(clients, client => client.Dispose());
    }

    [Fact]
    public async Task Client_cache_is_bounded()
    {
        using TlsServerContext server = TlsTest.Server(SslProtocols.Tls13);
        using TlsClientContext client = TlsTest.Client(SslProtocols.Tls13, o => o.SessionCacheSize = 2);
        Pair[] pairs = [await TlsTest.ConnectAsync(client, server), await TlsTest.ConnectAsync(client, server), await TlsTest.ConnectAsync(client, server)];
        foreach (Pair pair in pairs)
        {
            await pair.CloseAsync();
        }

        Assert.Equal(2, client.Sessions.Count);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Disposed_contexts_leave_open_connections_alone(SslProtocols version)
    {
        TlsServerContext server = TlsTest.Server(version);
        TlsClientContext client = TlsTest.Client(version);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        server.Dispose();
        client.Dispose();
        await pair.Client.SendAsync([1, 2, 3]);
        Assert.Equal([1, 2, 3], await pair.Server.ReadExactlyAsync(3));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => TlsConnection.ConnectAsync(DuplexPipe.InMemory().Client, client).AsTask());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => TlsConnection.AcceptAsync(DuplexPipe.InMemory().Server, server).AsTask());
    }

    /// <summary>A session is not resumed after its lifetime, although the client still has it.</summary>
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Old_session_is_not_resumed(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version, o => o.SessionLifetime = TimeSpan.FromMinutes(10));
        using TlsClientContext client = TlsTest.Client(version);
        Assert.False(await ConnectOnceAsync(client, server, _ => MakeOlder(server, client, TimeSpan.FromMinutes(5))));
        Assert.True(await ConnectOnceAsync(client, server, _ => MakeOlder(server, client, TimeSpan.FromMinutes(11))));
        Assert.False(await ConnectOnceAsync(client, server));
    }

    /// <summary>Moves the creation time of the server's session back. It finds the session by the client's id.</summary>
    private static void MakeOlder(TlsServerContext server, TlsClientContext client, TimeSpan age)
    {
        Assert.Equal(1, server.Sessions.Count);
        server.Sessions.ForEach(session => _ = SSL_SESSION_set_time(session, (nint)(DateTimeOffset.UtcNow - age).ToUnixTimeSeconds()));
        Assert.Equal(1, client.Sessions.Count);
    }

    [System.Runtime.InteropServices.DllImport("libssl.so.3")]
    private static extern nint SSL_SESSION_set_time(nint session, nint seconds);

    /// <summary>Copies the session that a client would resume into another client, as an attacker would.</summary>
    private static void Steal(TlsClientContext from, TlsClientContext to)
    {
        (OpenSsl.SslSessionHandle session, Certificates.PeerCertificates? peer) = from.Sessions.Take()!.Value;
        nint pointer = session.DangerousGetHandle();
        Assert.Equal(1, OpenSsl.LibSsl.SSL_SESSION_up_ref(pointer));
        Assert.True(to.Sessions.Add(pointer, peer));
        Assert.Equal(1, OpenSsl.LibSsl.SSL_SESSION_up_ref(pointer));
        from.Sessions.Remove(pointer);
        Assert.True(from.Sessions.Add(pointer, peer));
        session.Dispose();
    }

    /// <summary>Connects, lets the client receive its ticket, and ends in order. Returns whether the session was resumed.</summary>
    private static async Task<bool> ConnectOnceAsync(TlsClientContext client, TlsServerContext server, Action<Pair>? meanwhile = null)
    {
        Pair pair = await TlsTest.ConnectAsync(client, server);
        Assert.Equal(pair.Server.SessionResumed, pair.Client.SessionResumed);
        Assert.True(pair.Client.DataMultiplexingNegotiated);
        Assert.True(pair.Server.DataMultiplexingNegotiated);
        bool resumed = pair.Client.SessionResumed;
        await pair.Server.SendAsync([1]);
        await pair.Client.ReadExactlyAsync(1);
        meanwhile?.Invoke(pair);
        await pair.CloseAsync();
        return resumed;
    }
}
