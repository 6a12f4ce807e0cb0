using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Tests.Support;
using MtaTls.ReverseProxy.Redis.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Cluster;

/// <summary>
/// Two concentrators that relay for each other, with a directory in memory. Clients reach both at <see cref="Shared"/>, and the first one alone at <see cref="OwnOfA"/>, which can be cut.
/// </summary>
internal sealed class RelayCluster : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("relay-").FullName;
    private readonly ConcurrentDictionary<string, TunnelSessionOwner> _sessions = new();
    private DirectoryServer? _redis;
    private TunnelHost? _a, _b;

    private RelayCluster() => File.WriteAllText(AuthorityPath, Authority.Authority.ExportCertificatePem());

    /// <summary>The authority of the concentrators. It is not that of the clients.</summary>
    public TestCertificates Authority { get; } = new("CN=authority of concentrators");

    public string AuthorityPath => Path.Combine(_directory, "nodes-ca.pem");

    /// <summary>The address that leads to A's own, as a translator does.</summary>
    public UdpBalancer OwnOfA { get; } = new();

    /// <summary>The shared address. At first it leads to A.</summary>
    public UdpBalancer Shared { get; } = new();

    public TunnelHost A => _a!;

    public TunnelHost B => _b!;

    public IPEndPoint RelayOfA { get; } = FreeEndPoint();

    public IPEndPoint RelayOfB { get; } = FreeEndPoint();

    /// <param name="configure">Changes the options of both; the name is "gw-a" or "gw-b".</param>
    /// <param name="redis">The directory; null for one in memory.</param>
    public static async Task<RelayCluster> StartAsync(Action<string, QuicTunnelOptions>? configure = null, DirectoryServer? redis = null)
    {
        var cluster = new RelayCluster { _redis = redis };
        cluster._a = await cluster.StartNodeAsync("gw-a", cluster.RelayOfA, cluster.OwnOfA.EndPoint, configure);
        cluster._b = await cluster.StartNodeAsync("gw-b", cluster.RelayOfB, null, configure);
        cluster.OwnOfA.Servers = [cluster.A.EndPoint];
        cluster.Shared.Servers = [cluster.A.EndPoint, cluster.B.EndPoint];
        cluster.Shared.Choose = static (_, _) => 0;
        return cluster;
    }

    public Task<TunnelHost> StartNodeAsync(string node, IPEndPoint relay, IPEndPoint? own, Action<string, QuicTunnelOptions>? configure = null) => TunnelHost.StartAsync(
        builder =>
        {
            if (_redis is not null)
            {
                builder.AddQuicTunnelRedisDirectory(_redis.ConnectionString);
            }
            else
            {
                builder.Services.AddSingleton<ITunnelSessionDirectory>(new MemoryDirectory(_sessions, node, relay.ToString()));
            }
        },
        options =>
        {
            options.Cluster.Node = node;
            options.Cluster.Secret = TwoNodes.Secret;
            if (own is not null)
            {
                options.Cluster.PreferredAddresses.Add(own.ToString());
            }
            else
            {
                options.Listen[0] = FreeEndPoint().ToString();
                options.Cluster.PreferredAddresses.Add(options.Listen[0]);
            }

            options.Cluster.LookupTimeout = TimeSpan.FromSeconds(30);
            options.Cluster.Relay.Listen.Add(relay.ToString());
            options.Cluster.Relay.Certificate.Certificate = NodeCertificate(node);
            options.Cluster.Relay.AuthorityPath = AuthorityPath;
            options.Cluster.Relay.ConnectTimeout = TimeSpan.FromSeconds(30); // The machine may be busy.
            options.Cluster.Relay.IdleTimeout = TimeSpan.FromSeconds(30);
            options.Sessions.NegotiationTimeout = TimeSpan.FromMinutes(2);
            configure?.Invoke(node, options);
        });

    public X509Certificate2 NodeCertificate(string node) => Authority.CreateNode(node);

    /// <summary>Changes the address of A in the directory, for the sessions that it has.</summary>
    public void AnnounceA(string? address)
    {
        foreach ((string session, TunnelSessionOwner owner) in _sessions)
        {
            if (owner.Node == "gw-a")
            {
                _sessions[session] = owner with { RelayAddress = address };
            }
        }
    }

    /// <summary>A connection to a concentrator's end point for the others.</summary>
    public Task<RawPeer> ConnectToNodeAsync(IPEndPoint relay, string name, X509Certificate2? certificate) => RawPeer.ConnectToNodeAsync(relay, name, certificate, Authority.Authorities);

    /// <summary>A session at A without a path, and its id: a client joins it only by the other concentrator.</summary>
    public async Task<byte[]> LoneSessionAsync(string value = "")
    {
        byte[] id;
        await using (RawPeer peer = await RawPeer.ConnectAsync(A.EndPoint))
        {
            id = await peer.NewSessionAsync(value);
            peer.Connection.Close(0);
            await peer.Closed;
        }

        await Wait.UntilAsync(() => A.Sessions.List().Any(static session => session.Paths.Count == 0), "the session has a path");
        return id;
    }

    public async ValueTask DisposeAsync()
    {
        await OwnOfA.DisposeAsync();
        await Shared.DisposeAsync();
        foreach (TunnelHost? host in (TunnelHost?[])[_a, _b])
        {
            if (host is not null)
            {
                await host.DisposeAsync();
            }
        }

        Directory.Delete(_directory, recursive: true);
    }

    private static IPEndPoint FreeEndPoint() => new(IPAddress.Loopback, FunctionalTests.Support.FreePort.Find());
}
