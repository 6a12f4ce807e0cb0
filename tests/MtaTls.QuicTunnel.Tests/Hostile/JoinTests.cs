using System.Security.Cryptography.X509Certificates;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Hostile;

/// <summary>Joins that are refused, and limits of joins and sessions.</summary>
public sealed class JoinTests
{
    private static readonly string s_unknownSession = $"reset {(int)QuicTunnelError.UnknownSessionId}";

    [Fact]
    public async Task A_guessed_id_is_unknown()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using QuicTunnelClient real = await host.ConnectAsync();
        await using RawPeer peer = await RawPeer.ConnectAsync(host.EndPoint);
        Assert.Equal(s_unknownSession, await peer.JoinAsync(new byte[32]));
        // The packets of a refused connection are dropped.
        peer.SendPacket(0, IpPackets.Udp("10.99.0.2", "10.99.0.1", "x"u8));
        await Wait.UntilAsync(() => host.Concentrator.Counters.GetDropped(DropReason.NotNegotiated) == 1, "not dropped");
        Assert.Single(host.Sessions.List()[0].Paths);
    }

    [Fact]
    public async Task An_id_that_is_nearly_right_is_unknown()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using RawPeer owner = await RawPeer.ConnectAsync(host.EndPoint);
        byte[] id = await owner.NewSessionAsync();
        foreach (byte[] wrong in new[] { id[..31], [.. id, 0], [.. id[..31], (byte)(id[31] ^ 1)] })
        {
            await using RawPeer peer = await RawPeer.ConnectAsync(host.EndPoint);
            Assert.Equal(s_unknownSession, await peer.JoinAsync(wrong));
        }
    }

    [Fact]
    public async Task Another_identitys_id_is_unknown()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using RawPeer owner = await RawPeer.ConnectAsync(host.EndPoint);
        byte[] id = await owner.NewSessionAsync();
        await using RawPeer other = await RawPeer.ConnectAsync(host.EndPoint, TestCertificates.Instance.Create("CN=laptop-2", server: false));
        Assert.Equal(s_unknownSession, await other.JoinAsync(id));
        await using RawPeer same = await RawPeer.ConnectAsync(host.EndPoint, TestCertificates.Instance.Create("CN=laptop-1", server: false));
        Assert.Equal("", await same.JoinAsync(id));
    }

    [Fact]
    public async Task An_expired_id_is_unknown()
    {
        await using TunnelHost host = await TunnelHost.StartAsync(options => options.Sessions.GracePeriod = TimeSpan.Zero);
        await using RawPeer owner = await RawPeer.ConnectAsync(host.EndPoint);
        byte[] id = await owner.NewSessionAsync();
        owner.Connection.Close(0);
        await owner.Closed;
        await Wait.UntilAsync(() => host.Sessions.List().Count == 0, "the session did not expire");
        await using RawPeer late = await RawPeer.ConnectAsync(host.EndPoint);
        Assert.Equal(s_unknownSession, await late.JoinAsync(id));
    }

    [Fact]
    public async Task A_session_accepts_no_more_connections_than_MaxConnectionsPerSession()
    {
        await using TunnelHost host = await TunnelHost.StartAsync(options => options.Sessions.MaxConnectionsPerSession = 2);
        await using RawPeer first = await RawPeer.ConnectAsync(host.EndPoint);
        byte[] id = await first.NewSessionAsync();
        await using RawPeer second = await RawPeer.ConnectAsync(host.EndPoint);
        Assert.Equal("", await second.JoinAsync(id));
        await using RawPeer third = await RawPeer.ConnectAsync(host.EndPoint);
        Assert.Equal($"reset {(int)QuicTunnelError.ConflictingState}", await third.JoinAsync(id));
    }

    [Fact]
    public async Task Joins_above_the_rate_are_refused()
    {
        await using TunnelHost host = await TunnelHost.StartAsync(options => options.Sessions.MaxJoinsPerSecond = 1);
        await using RawPeer first = await RawPeer.ConnectAsync(host.EndPoint);
        await using RawPeer second = await RawPeer.ConnectAsync(host.EndPoint);
        await using RawPeer third = await RawPeer.ConnectAsync(host.EndPoint);
        string[] answers = await Task.WhenAll(first.JoinAsync(new byte[32]), second.JoinAsync(new byte[32]), third.JoinAsync(new byte[32]));
        Assert.Contains($"reset {(int)QuicTunnelError.Unknown}", answers);
    }

    [Fact]
    public async Task Sessions_are_limited_in_all_and_for_each_identity()
    {
        await using TunnelHost host = await TunnelHost.StartAsync(options =>
        {
            options.Sessions.MaxSessions = 3;
            options.Sessions.MaxSessionsPerIdentity = 2;
        });
        X509Certificate2 other = TestCertificates.Instance.Create("CN=laptop-2", server: false);
        await using RawPeer first = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
        RawPeer second = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
        await RefusedAsync(host, null);
        await using RawPeer third = await RawPeer.ConnectWithSessionAsync(host.EndPoint, other);
        await RefusedAsync(host, other);

        // A new session replaces one of the same identity without a connection.
        second.Connection.Close(0);
        await second.Closed;
        await second.DisposeAsync();
        await Wait.UntilAsync(() => host.Sessions.List().Any(session => session.Paths.Count == 0), "still connected");
        host.Concentrator.Options.Sessions.MaxSessions = 4;
        await using RawPeer fourth = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
        Assert.Equal(3, host.Sessions.List().Count);
    }

    [Fact]
    public async Task A_client_with_a_certificate_of_another_authority_is_refused()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        X509Certificate2 stranger = new TestCertificates("CN=another authority").Create("CN=laptop-1", server: false);
        Exception? refused = await Record.ExceptionAsync(async () =>
        {
            await using RawPeer peer = await RawPeer.ConnectWithSessionAsync(host.EndPoint, stranger);
        });
        Assert.IsType<IOException>(refused);
        Assert.Empty(host.Sessions.List());
    }

    private static async Task RefusedAsync(TunnelHost host, System.Security.Cryptography.X509Certificates.X509Certificate2? certificate)
    {
        await using RawPeer peer = await RawPeer.ConnectAsync(host.EndPoint, certificate);
        peer.Send("0100");
        Assert.Equal((ulong)QuicTunnelError.LimitExceeded, (await peer.Closed).ErrorCode);
    }
}
