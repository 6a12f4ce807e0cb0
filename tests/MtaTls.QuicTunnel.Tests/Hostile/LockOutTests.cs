using System.Security.Cryptography.X509Certificates;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Hostile;

/// <summary>Clients that may no longer use the concentrator, while others continue.</summary>
public sealed class LockOutTests
{
    private static readonly X509Certificate2 s_other = TestCertificates.Instance.Create("CN=laptop-2", server: false);

    [Fact]
    public async Task A_denied_identity_loses_its_session_and_is_refused()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using RawPeer bad = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
        await using RawPeer good = await RawPeer.ConnectWithSessionAsync(host.EndPoint, s_other);

        host.Change("Authentication:DeniedIdentities:0", TunnelHost.Identity);

        Assert.Equal((ulong)QuicTunnelError.Unauthorized, (await bad.Closed).ErrorCode);
        await Wait.UntilAsync(() => host.Sessions.List().Count == 1, "The session did not end.");
        Assert.Contains(host.Logs.Entries, static entry => entry.Event == "SessionLockedOut" && entry.Message.Contains(TunnelHost.Identity, StringComparison.Ordinal));
        await AssertRefusedAsync(host, TestCertificates.Instance.Client);
        Assert.True(good.Connection.IsConnected);
        host.Change("Authentication:DeniedIdentities:0", null);
        await using RawPeer again = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
    }

    [Fact]
    public async Task With_AllowedIdentities_all_other_identities_are_refused()
    {
        await using TunnelHost host = await TunnelHost.StartAsync(static options => options.Authentication.AllowedIdentities.Add("CN=laptop-2"));
        await AssertRefusedAsync(host, TestCertificates.Instance.Client);
        await using RawPeer good = await RawPeer.ConnectWithSessionAsync(host.EndPoint, s_other);
    }

    [Fact]
    public async Task A_client_that_is_not_allowed_says_so_in_its_own_log()
    {
        await using TunnelHost host = await TunnelHost.StartAsync(static options => options.Authentication.AllowedIdentities.Add("CN=laptop-2"));
        await using QuicTunnelClient client = host.CreateClient();
        client.Start();
        await Wait.UntilAsync(
            () => host.Logs.Entries.Any(entry => entry.Event == "ConnectFailed" && entry.Message.Contains($":{host.EndPoint.Port}: ", StringComparison.Ordinal) && entry.Message.Contains("0x11", StringComparison.Ordinal)),
            "the client says nothing of the refusal");
        Assert.Contains(host.Logs.Entries, static entry => entry.Event == "ClientLockedOut" && entry.Message.Contains(TunnelHost.Identity, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_revoked_certificate_is_refused_and_its_connections_end()
    {
        string path = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(path, TestCertificates.Instance.CreateRevocationList());
            await using TunnelHost host = await TunnelHost.StartAsync(options => options.Authentication.RevocationListPath = path);
            await using RawPeer bad = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
            await using RawPeer good = await RawPeer.ConnectWithSessionAsync(host.EndPoint, s_other);

            await File.WriteAllTextAsync(path, TestCertificates.Instance.CreateRevocationList(TestCertificates.Instance.Client));
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddMinutes(1));
            host.Concentrator.Settings.LookAtFile();

            Assert.Equal((ulong)QuicTunnelError.Unauthorized, (await bad.Closed).ErrorCode);
            await AssertRefusedAsync(host, TestCertificates.Instance.Client);
            Assert.True(good.Connection.IsConnected);
            // The same identity may connect with a new certificate.
            await using RawPeer renewed = await RawPeer.ConnectWithSessionAsync(host.EndPoint, TestCertificates.Instance.Create(TunnelHost.Identity, server: false));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task A_token_is_renewed_without_ending_sessions_and_an_invalid_change_changes_nothing()
    {
        await using TunnelHost host = await TunnelHost.StartAsync(static options => options.Authentication.Mode = TunnelAuthenticationMode.Token, ("Authentication:Tokens:a", "0123456789abcdef"), ("Authentication:Tokens:b", "fedcba9876543210"));
        await using RawPeer first = await RawPeer.ConnectAsync(host.EndPoint);
        await first.NewSessionAsync(Convert.ToHexString("0123456789abcdef"u8));
        await using RawPeer second = await RawPeer.ConnectAsync(host.EndPoint);
        await second.NewSessionAsync(Convert.ToHexString("fedcba9876543210"u8));

        host.Change("Authentication:Tokens:a", "aaaaaaaaaaaaaaaa");
        await using RawPeer old = await RawPeer.ConnectAsync(host.EndPoint);
        old.Send("0110" + Convert.ToHexString("0123456789abcdef"u8));
        Assert.Equal((ulong)QuicTunnelError.Unauthorized, (await old.Closed).ErrorCode);
        await using RawPeer renewed = await RawPeer.ConnectAsync(host.EndPoint);
        await renewed.NewSessionAsync(Convert.ToHexString("aaaaaaaaaaaaaaaa"u8));
        Assert.True(first.Connection.IsConnected);

        host.Change("Authentication:Tokens:b", "short");
        Assert.Contains(host.Logs.Entries, static entry => entry.Event == "SettingsNotChanged" && entry.Message.Contains("Tokens:b", StringComparison.Ordinal));
        Assert.True(second.Connection.IsConnected);

        host.Change("Authentication:DeniedIdentities:0", "b");
        host.Change("Authentication:Tokens:b", "bbbbbbbbbbbbbbbb");
        Assert.Equal((ulong)QuicTunnelError.Unauthorized, (await second.Closed).ErrorCode);
        Assert.True(first.Connection.IsConnected);
    }

    [Fact]
    public async Task Changed_addresses_of_an_identity_apply_to_its_running_session()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using RawPeer peer = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
        host.Change($"Addresses:Identities:{TunnelHost.Identity}:0", "10.99.0.9");
        Assert.Contains("10.99.0.9", host.Sessions.List()[0].Addresses.Select(static address => address.ToString()));
        host.Packets.TrySend(IpPackets.Udp("10.99.0.1", "10.99.0.9", "x"u8));
        await Wait.UntilAsync(() => peer.Datagrams.Count == 1, "no packet for the new address");
    }

    [Fact]
    public async Task A_short_second_session_of_an_identity_gives_its_addresses_back()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using RawPeer first = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
        await AssertGoesToAsync(host, first, "10.99.0.2");
        RawPeer second = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
        await AssertGoesToAsync(host, second, "10.99.0.2");

        // The second session remains, but without a path.
        second.Connection.Close(0);
        await second.Closed;
        await second.DisposeAsync();
        await AssertGoesToAsync(host, first, "10.99.0.2");
        byte[] packet = IpPackets.Udp("10.99.0.2", "10.99.0.1", "from the first"u8);
        first.SendPacket(0, packet);
        Assert.Equal(packet, await host.Packets.ReceiveAsync());
    }

    [Fact]
    public async Task A_pool_address_goes_back_to_the_older_session_of_the_identity()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using RawPeer first = await RawPeer.ConnectWithSessionAsync(host.EndPoint, s_other);
        first.SendPacket(0, IpPackets.Udp("10.99.0.70", "10.99.0.1", "x"u8));
        await host.Packets.ReceiveAsync();
        RawPeer second = await RawPeer.ConnectWithSessionAsync(host.EndPoint, s_other);
        second.SendPacket(0, IpPackets.Udp("10.99.0.70", "10.99.0.1", "x"u8));
        await host.Packets.ReceiveAsync();
        await AssertGoesToAsync(host, second, "10.99.0.70");
        Assert.True(host.Sessions.End(host.Sessions.List().MaxBy(static session => session.CreatedAt)!.Name));
        await second.DisposeAsync();
        await AssertGoesToAsync(host, first, "10.99.0.70");
    }

    private static async Task AssertGoesToAsync(TunnelHost host, RawPeer peer, string address)
    {
        peer.Datagrams.Clear();
        await Wait.UntilAsync(
            () =>
            {
                host.Packets.TrySend(IpPackets.Udp("10.99.0.1", address, "y"u8));
                return !peer.Datagrams.IsEmpty;
            },
            $"nothing for {address} came to that session");
    }

    private static async Task AssertRefusedAsync(TunnelHost host, X509Certificate2 certificate)
    {
        try
        {
            await using RawPeer peer = await RawPeer.ConnectAsync(host.EndPoint, certificate);
            QuicCloseReason reason = await peer.Closed;
            Assert.Equal((QuicCloseKind.Application, (ulong)QuicTunnelError.Unauthorized), (reason.Kind, reason.ErrorCode));
        }
        catch (IOException)
        {
            // The connection was closed before the client's handshake was confirmed, which hides the error code (RFC 9000, section 10.2.3).
            Assert.Contains(host.Logs.Entries, static entry => entry.Event == "ClientLockedOut");
        }
    }
}
