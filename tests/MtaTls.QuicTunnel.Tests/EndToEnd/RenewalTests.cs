using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Tests.Configuration;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.EndToEnd;

/// <summary>Both ends use renewed certificates and authorities without a restart and without ending a session.</summary>
public sealed class RenewalTests : IDisposable
{
    private readonly string _server = Directory.CreateTempSubdirectory("tunnel-server-").FullName;
    private readonly string _client = Directory.CreateTempSubdirectory("tunnel-client-").FullName;

    public void Dispose()
    {
        Directory.Delete(_server, recursive: true);
        Directory.Delete(_client, recursive: true);
    }

    [Fact]
    public async Task Both_ends_use_renewed_certificates_and_the_session_continues()
    {
        Write(TestCertificates.Instance);
        await using TunnelHost host = await TunnelHost.StartAsync(options =>
        {
            options.Certificate.Certificate = null;
            options.Certificate.Path = Path.Combine(_server, "concentrator.pem");
            options.Certificate.KeyPath = Path.Combine(_server, "concentrator.key");
            options.Authentication.AuthorityPath = Path.Combine(_server, "ca.pem");
        });
        await using QuicTunnelClient client = await host.ConnectAsync(Configure);
        string? session = client.SessionName;

        // An end that still uses the old authority would not trust the certificates of the new one.
        Write(new TestCertificates("CN=successor"));
        host.Concentrator.RefreshCertificates();
        byte[] packet = IpPackets.Udp("10.99.0.2", "10.99.0.1", "still there"u8);
        Assert.True(client.Packets!.TrySend(packet));
        Assert.Equal(packet, await host.Packets.ReceiveAsync());
        Assert.Equal(session, client.SessionName);

        // The first client connects again, and a second client connects.
        Assert.True(host.Sessions.End(session!));
        await Wait.UntilAsync(() => client.SessionName is { } name && name != session && client.Paths.Count == 1, "no new session");
        await using QuicTunnelClient another = await host.ConnectAsync(Configure);
        Assert.Equal(2, host.Sessions.List().Count);
    }

    private void Configure(QuicTunnelClientOptions options)
    {
        options.ClientCertificate.Certificate = null;
        options.ClientCertificate.Path = Path.Combine(_client, "client.pem");
        options.ClientCertificate.KeyPath = Path.Combine(_client, "client.key");
        options.AuthorityPath = Path.Combine(_client, "ca.pem");
    }

    private void Write(TestCertificates certificates)
    {
        CertificateFolder.Write(_server, "concentrator", certificates.Server, certificates.Authority);
        CertificateFolder.Write(_client, "client", certificates.Client, certificates.Authority);
    }
}
