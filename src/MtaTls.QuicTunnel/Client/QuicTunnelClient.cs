using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using MtaTls.QuicTunnel.Client;
using MtaTls.QuicTunnel.Configuration;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel;

/// <summary>
/// The multihomed client: one QUIC connection from each local address, all joined to one tunnelling session with the concentrator, kept up until it is stopped. Packets come from and go
/// to a TUN device, or <see cref="Packets"/>.
/// </summary>
public sealed class QuicTunnelClient : IAsyncDisposable
{
    private readonly ClientTunnel _tunnel;

    /// <summary>Makes a client; nothing is opened or sent before <see cref="Start"/>.</summary>
    /// <param name="options">The settings; not to be changed afterwards.</param>
    /// <param name="loggerFactory">Where to log; nowhere by default.</param>
    /// <param name="timeProvider">The clock; the system's by default.</param>
    /// <exception cref="OptionsValidationException">Settings are wrong; the message names each.</exception>
    public QuicTunnelClient(QuicTunnelClientOptions options, ILoggerFactory? loggerFactory = null, TimeProvider? timeProvider = null)
        : this(options, loggerFactory, timeProvider, network: null)
    {
    }

    internal QuicTunnelClient(QuicTunnelClientOptions options, ILoggerFactory? loggerFactory, TimeProvider? timeProvider, INetworkMonitor? network)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (new QuicTunnelClientOptionsValidator().Validate(null, options) is { Failed: true } result)
        {
            throw new OptionsValidationException(QuicTunnelClientOptions.SectionName, typeof(QuicTunnelClientOptions), result.Failures);
        }

        _tunnel = new ClientTunnel(options, loggerFactory ?? NullLoggerFactory.Instance, timeProvider ?? TimeProvider.System, network ?? new SystemNetworkMonitor());
    }

    /// <summary>The packets, with <see cref="TunnelInterfaceKind.InMemory"/>; null with a TUN device.</summary>
    public InMemoryPacketInterface? Packets => _tunnel.Interface as InMemoryPacketInterface;

    /// <summary>What the session is called in logs here and at the concentrator; null while there is none.</summary>
    public string? SessionName => _tunnel.Sessions.Current?.Name;

    /// <summary>The session's connections now.</summary>
    public IReadOnlyList<TunnelPathInfo> Paths => [.. EnumeratePaths().Select(static entry => new TunnelPathInfo(entry.Path))];

    /// <summary>
    /// The client's addresses in the tunnel with their prefix lengths: those of its options, or, with <see cref="QuicTunnelClientOptions.RequestAddresses"/>, those that the concentrator gave (none before).
    /// </summary>
    public IReadOnlyList<string> Addresses => _tunnel.Agreement.Addresses;

    internal ClientTunnel Tunnel => _tunnel;

    internal QuicTunnelClientOptions Options => _tunnel.Options;

    internal TunnelCounters Counters => _tunnel.Sessions.Counters;

    internal int ReorderDepth => _tunnel.Sessions.Current?.ReorderDepth ?? 0;

    /// <summary>Opens the packet interface and begins to connect. Does not wait for the concentrator: <see cref="WaitForSessionAsync"/> does.</summary>
    /// <exception cref="PlatformNotSupportedException">The QUIC libraries are missing (the message names the packages), or the system has no TUN devices.</exception>
    /// <exception cref="UnauthorizedAccessException">No right to make or set up the TUN device.</exception>
    /// <exception cref="InvalidOperationException">The client was started before.</exception>
    public void Start() => _tunnel.Start();

    /// <summary>Waits until there is a session with a connection.</summary>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task WaitForSessionAsync(CancellationToken cancellationToken = default) => _tunnel.Sessions.WaitAsync(cancellationToken);

    /// <summary>Tells the concentrator, and closes what was opened.</summary>
    public ValueTask DisposeAsync() => _tunnel.DisposeAsync();

    internal IEnumerable<(string Session, TunnelPath Path)> EnumeratePaths() =>
        _tunnel.Sessions.Current is { } session ? session.Paths.ToArray().Select(path => (session.Name, path)) : [];
}
