using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Client;
using MtaTls.QuicTunnel.Concentrator;

namespace MtaTls.QuicTunnel.Tests.Support;

/// <summary>A concentrator in a host, on loopback and with packets in memory, and its clients.</summary>
internal sealed class TunnelHost : IAsyncDisposable
{
    public const string Identity = "CN=laptop-1";
    private readonly string _directory = Directory.CreateTempSubdirectory("tunnel-").FullName;
    private readonly IHost _host;

    private TunnelHost(Action<QuicTunnelOptions>? configure, (string Key, string Value)[] settings, Action<IHostApplicationBuilder>? build = null)
    {
        AuthorityPath = Path.Combine(_directory, "ca.pem");
        File.WriteAllText(AuthorityPath, TestCertificates.Instance.Authority.ExportCertificatePem());
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.SetMinimumLevel(LogLevel.Debug);
        Logs = new RecordingLoggerProvider();
        builder.Logging.AddProvider(Logs);
        builder.Configuration.AddInMemoryCollection(settings.Select(static setting => KeyValuePair.Create($"QuicTunnel:{setting.Key}", (string?)setting.Value)));
        builder.AddQuicTunnel(options =>
        {
            options.Listen.Add("127.0.0.1:0");
            options.Certificate.Certificate = TestCertificates.Instance.Server;
            options.Authentication.AuthorityPath = AuthorityPath;
            options.Interface.Kind = TunnelInterfaceKind.InMemory;
            options.Interface.Addresses.Add("10.99.0.1/24");
            options.Interface.Addresses.Add("fd99::1/64");
            options.Addresses.Identities[Identity] = [.. options.Addresses.Identities.TryGetValue(Identity, out IList<string>? changed) ? changed : [], "10.99.0.2", "fd99::2"];
            options.Addresses.Pool.Add("10.99.0.64/26");
            // A busy machine takes its time. A test whose subject is one of these sets it.
            options.Sessions.NegotiationTimeout = Wait.Timeout;
            options.Sessions.IdleTimeout = TimeSpan.FromMinutes(10);
            Calm(options.Queue);
            configure?.Invoke(options);
        });
        build?.Invoke(builder);
        Configuration = builder.Configuration;
        _host = builder.Build();
    }

    public string AuthorityPath { get; }

    /// <summary>The configuration of the host. <see cref="Change"/> changes it while the host runs.</summary>
    public ConfigurationManager Configuration { get; }

    public RecordingLoggerProvider Logs { get; }

    public IServiceProvider Services => _host.Services;

    public TunnelConcentrator Concentrator => _host.Services.GetRequiredService<TunnelConcentrator>();

    public ITunnelSessions Sessions => _host.Services.GetRequiredService<ITunnelSessions>();

    public InMemoryPacketInterface Packets => _host.Services.GetRequiredService<InMemoryPacketInterface>();

    public IPEndPoint EndPoint => Concentrator.EndPoints[0];

    public static async Task<TunnelHost> StartAsync(Action<QuicTunnelOptions>? configure = null, params (string Key, string Value)[] settings)
    {
        Assert.SkipUnless(QuicEngine.IsSupported, QuicEngine.UnsupportedReason ?? "");
        var host = new TunnelHost(configure, settings);
        await host._host.StartAsync();
        return host;
    }

    /// <summary>The same for clients without identities, which get their addresses from the pool.</summary>
    public static Task<TunnelHost> StartAnonymousAsync(Action<QuicTunnelOptions>? configure = null) => StartAsync(options =>
    {
        options.Authentication.Mode = TunnelAuthenticationMode.Anonymous;
        options.Addresses.Identities.Clear();
        configure?.Invoke(options);
    });

    /// <summary>The same with further services.</summary>
    public static async Task<TunnelHost> StartAsync(Action<IHostApplicationBuilder> build, Action<QuicTunnelOptions> configure)
    {
        Assert.SkipUnless(QuicEngine.IsSupported, QuicEngine.UnsupportedReason ?? "");
        var host = new TunnelHost(configure, [], build);
        await host._host.StartAsync();
        return host;
    }

    /// <summary>Changes a setting of the section QuicTunnel and reloads the configuration.</summary>
    public void Change(string key, string? value)
    {
        Configuration[$"QuicTunnel:{key}"] = value;
        ((IConfigurationRoot)Configuration).Reload();
    }

    public QuicTunnelClient CreateClient(Action<QuicTunnelClientOptions>? configure = null, INetworkMonitor? network = null, IPEndPoint? to = null)
    {
        var options = new QuicTunnelClientOptions
        {
            Host = (to ?? EndPoint).Address.ToString(),
            Port = (to ?? EndPoint).Port,
            TargetHost = "localhost",
            AuthorityPath = AuthorityPath,
            Reconnect = { InitialDelay = TimeSpan.FromMilliseconds(50), MaxDelay = TimeSpan.FromMilliseconds(500) },
        };
        options.ClientCertificate.Certificate = TestCertificates.Instance.Client;
        options.Interface.Kind = TunnelInterfaceKind.InMemory;
        Calm(options.Queue);
        configure?.Invoke(options);
        return new QuicTunnelClient(options, new LoggerFactory([Logs]), TimeProvider.System, network ?? new AllPresent());
    }

    public async Task<QuicTunnelClient> ConnectAsync(Action<QuicTunnelClientOptions>? configure = null, INetworkMonitor? network = null, IPEndPoint? to = null)
    {
        QuicTunnelClient client = CreateClient(configure, network, to);
        client.Start();
        await client.WaitForSessionAsync().WaitAsync(Wait.Timeout);
        await Wait.UntilAsync(() => client.Paths.Count == Math.Max(1, client.Options.LocalAddresses.Count), "Not every path was established.");
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        if (_host is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }

        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>Lets packets wait as long as a busy machine takes. CoDel would drop some.</summary>
    private static void Calm(TunnelQueueOptions queue) => (queue.Target, queue.Interval) = (TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10));

    /// <summary>Reports every address as present, because Linux uses all of 127.0.0.0/8 but lists only one address.</summary>
    private sealed class AllPresent : INetworkMonitor
    {
        public event Action? Changed
        {
            add { }
            remove { }
        }

        public bool HasAddress(IPAddress address) => true;

        public bool HasAddress(IPAddress address, string interfaceName) => true;

        public IPAddress? FindAddress(string interfaceName, System.Net.Sockets.AddressFamily family) => null;

        public IPAddress? FindSource(IPAddress destination) => null;

        public void Dispose()
        {
        }
    }
}
