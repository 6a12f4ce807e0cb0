using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using MtaTls.QuicTunnel.Client;
using MtaTls.QuicTunnel.Configuration;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel;

/// <summary>
/// The client: one QUIC connection from each local address, all joined to one tunneling session with the concentrator (draft section 4.1). It keeps the connections open until it is disposed.
/// Packets come from and go to a TUN device, or <see cref="Packets"/>.
/// </summary>
public sealed class QuicTunnelClient : IAsyncDisposable
{
    private readonly ClientTunnel _tunnel;

    /// <summary>Creates a client. It opens and sends nothing before <see cref="Start"/>.</summary>
    /// <param name="options">The settings. Do not change them afterwards.</param>
    /// <param name="loggerFactory">Creates the loggers. Default null: no logs.</param>
    /// <param name="timeProvider">The clock. Default null: the system's clock.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    /// <exception cref="OptionsValidationException">Settings are invalid. The exception lists each of them.</exception>
    /// <exception cref="PlatformNotSupportedException">The settings ask for a TUN device, and the system is not Linux.</exception>
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

    /// <summary>The packet interface with <see cref="TunnelInterfaceKind.InMemory"/>; null with a TUN device.</summary>
    public InMemoryPacketInterface? Packets => _tunnel.Interface as InMemoryPacketInterface;

    /// <summary>The name of the session in the logs and metrics of both ends; null if there is no session.</summary>
    public string? SessionName => _tunnel.Sessions.Current?.Name;

    /// <summary>The current connections (paths) of the session. Empty without a session.</summary>
    public IReadOnlyList<TunnelPathInfo> Paths => [.. EnumeratePaths().Select(static entry => new TunnelPathInfo(entry.Path))];

    /// <summary>
    /// The client's addresses in the tunnel with their prefix lengths: those of its options or, with <see cref="QuicTunnelClientOptions.RequestAddresses"/>, those that the concentrator assigned (empty until then).
    /// </summary>
    public IReadOnlyList<string> Addresses => _tunnel.Agreement.Addresses;

    internal ClientTunnel Tunnel => _tunnel;

    internal QuicTunnelClientOptions Options => _tunnel.Options;

    internal TunnelCounters Counters => _tunnel.Sessions.Counters;

    internal int ReorderDepth => _tunnel.Sessions.Current?.ReorderDepth ?? 0;

    /// <summary>Opens the packet interface and starts to connect. It does not wait for the concentrator; use <see cref="WaitForSessionAsync"/> for that.</summary>
    /// <exception cref="PlatformNotSupportedException">The QUIC libraries are missing (the message names the packages), or the system is not Linux on x64 or arm64.</exception>
    /// <exception cref="UnauthorizedAccessException">The process may not create or set up the TUN device.</exception>
    /// <exception cref="IOException">The TUN device cannot be opened or set up, for example because another process uses it.</exception>
    /// <exception cref="InvalidOperationException">The client was already started.</exception>
    public void Start() => _tunnel.Start();

    /// <summary>Waits until the client has a session. A session remains, also without a connection, until the client learns that the concentrator no longer knows it.</summary>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that completes when there is a session; at once if there is one.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was canceled.</exception>
    public Task WaitForSessionAsync(CancellationToken cancellationToken = default) => _tunnel.Sessions.WaitAsync(cancellationToken);

    /// <summary>Closes the connections and the packet interface. The client cannot be started again.</summary>
    /// <returns>A task that completes when everything is closed; the client waits up to two seconds for the concentrator.</returns>
    public ValueTask DisposeAsync() => _tunnel.DisposeAsync();

    internal IEnumerable<(string Session, TunnelPath Path)> EnumeratePaths() =>
        _tunnel.Sessions.Current is { } session ? session.Paths.ToArray().Select(path => (session.Name, path)) : [];
}
