using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MtaTls.Client.Sessions;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.Client;

/// <summary>
/// A copy of the options, checked. Handlers whose settings are equal share their sessions, so everything that shapes a session takes part in equality:
/// values by value, delegates and policies by identity, certificates by their octets.
/// </summary>
internal sealed record ClientSettings
{
    public required string Host { get; init; }
    public required int Port { get; init; }
    public string? TargetHostOption { get; init; }
    public required ushort ExtensionType { get; init; }
    public required MtaTlsClientMode Mode { get; init; }
    public required ProtocolList ApplicationProtocols { get; init; }
    public required SslProtocols EnabledSslProtocols { get; init; }
    public CipherSuitesPolicy? CipherSuitesPolicy { get; init; }
    public required bool AllowTlsResume { get; init; }
    public ClientCertificateKey? ClientCertificate { get; init; }
    public X509Certificate2Collection? ClientCertificateChain { get; init; }
    public RemoteCertificateValidationCallback? RemoteCertificateValidationCallback { get; init; }
    public X509RevocationMode CertificateRevocationCheckMode { get; init; }
    public X509ChainPolicy? CertificateChainPolicy { get; init; }
    public string? KeyLogFile { get; init; }
    public required TimeSpan ConnectTimeout { get; init; }
    public required BackoffSettings Reconnect { get; init; }
    public required int MaxSessions { get; init; }
    public required TimeSpan SessionIdleTimeout { get; init; }
    public required TimeSpan ShutdownTimeout { get; init; }
    public required LimitsKey Limits { get; init; }
    public ChannelAddress? Source { get; init; }
    public Func<MtaTlsChannelRequest, CancellationToken, ValueTask>? ChannelRequested { get; init; }
    public bool KeepConnected { get; init; }
    public Func<DnsEndPoint, CancellationToken, ValueTask<Stream>>? ConnectCallback { get; init; }
    public ILoggerFactory? LoggerFactory { get; init; }
    public required TimeProvider TimeProvider { get; init; }

    /// <summary>What the endpoint's certificate is verified against.</summary>
    public string TargetHost => TargetHostOption ?? Host;

    /// <summary>Whether a channel to this destination may be an ordinary TLS connection to the endpoint: it is the endpoint, by address or by the name that its certificate proved.</summary>
    public bool IsEndpoint(ChannelAddress destination) =>
        destination.Port == Port && (SameHost(destination.Host, Host) || SameHost(destination.Host, TargetHost));

    /// <summary>Copies the options; reports every error in them at once.</summary>
    /// <param name="options">The options.</param>
    /// <param name="endpoint">The endpoint, where it is not the options' own.</param>
    public static ClientSettings From(MtaTlsClientOptions options, DnsEndPoint? endpoint = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        List<string> errors = MtaTlsClientOptionsValidator.FindErrors(options, needsHost: endpoint is null);
        if (errors.Count > 0)
        {
            throw new ArgumentException(string.Join(" ", errors), nameof(options));
        }

        return new ClientSettings
        {
            Host = endpoint?.Host ?? options.Host!,
            Port = endpoint?.Port ?? options.Port,
            TargetHostOption = options.TargetHost,
            ExtensionType = (ushort)options.ExtensionType,
            Mode = options.Mode,
            ApplicationProtocols = new ProtocolList([.. options.ApplicationProtocols]),
            EnabledSslProtocols = options.EnabledSslProtocols,
            CipherSuitesPolicy = options.CipherSuitesPolicy,
            AllowTlsResume = options.AllowTlsResume,
            ClientCertificate = options.ClientCertificate is { } certificate ? new ClientCertificateKey(certificate) : null,
            ClientCertificateChain = options.ClientCertificateChain,
            RemoteCertificateValidationCallback = options.RemoteCertificateValidationCallback,
            CertificateRevocationCheckMode = options.CertificateRevocationCheckMode,
            CertificateChainPolicy = options.CertificateChainPolicy,
            KeyLogFile = options.KeyLogFile,
            ConnectTimeout = options.ConnectTimeout,
            Reconnect = BackoffSettings.From(options.Reconnect),
            MaxSessions = options.MaxSessions,
            SessionIdleTimeout = options.SessionIdleTimeout,
            ShutdownTimeout = options.ShutdownTimeout,
            Limits = LimitsKey.From(options.Limits),
            Source = options.Source,
            ChannelRequested = options.ChannelRequested,
            KeepConnected = options.KeepConnected,
            ConnectCallback = options.ConnectCallback,
            LoggerFactory = options.LoggerFactory,
            TimeProvider = options.TimeProvider,
        };
    }

    public TlsClientOptions ToTlsOptions(ProtocolList protocols)
    {
        var options = new TlsClientOptions
        {
            TargetHost = TargetHost,
            ExtensionType = ExtensionType,
            OfferDataMultiplexing = true,
            EnabledSslProtocols = EnabledSslProtocols,
            CipherSuitesPolicy = CipherSuitesPolicy,
            ApplicationProtocols = [.. protocols],
            ClientCertificate = ClientCertificate?.Certificate,
            ClientCertificateChain = ClientCertificateChain,
            RemoteCertificateValidationCallback = RemoteCertificateValidationCallback,
            CertificateRevocationCheckMode = CertificateRevocationCheckMode,
            CertificateChainPolicy = CertificateChainPolicy,
            KeyLogFile = KeyLogFile,
        };
        if (!AllowTlsResume)
        {
            options.SessionCacheSize = 0;
        }

        return options;
    }

    private static bool SameHost(string a, string b) =>
        a.AsSpan().TrimEnd('.').Equals(b.AsSpan().TrimEnd('.'), StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(a, out IPAddress? first) && IPAddress.TryParse(b, out IPAddress? second) && first.Equals(second));
}
