using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MtaTls.Client.Sessions;
using MtaTls.Configuration;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.Client;

/// <summary>
/// A checked copy of the options. Handlers with equal settings share their sessions, so equality includes everything that affects a session:
/// values are compared by value, delegates and policies by reference, certificates and authorities by their source or their bytes.
/// </summary>
internal sealed record ClientSettings
{
    public required string Host { get; init; }
    public required int Port { get; init; }
    public EndpointList? EndpointsOption { get; init; }
    public string? TargetHostOption { get; init; }
    public required ushort ExtensionType { get; init; }
    public required MtaTlsClientMode Mode { get; init; }
    public required ProtocolList ApplicationProtocols { get; init; }
    public required SslProtocols EnabledSslProtocols { get; init; }
    public CipherSuitesPolicy? CipherSuitesPolicy { get; init; }
    public required bool AllowTlsResume { get; init; }
    public CertificateSource? ClientCertificate { get; init; }
    public AuthoritySource? Authorities { get; init; }
    public RemoteCertificateValidationCallback? RemoteCertificateValidationCallback { get; init; }
    public X509RevocationMode CertificateRevocationCheckMode { get; init; }
    public X509ChainPolicy? CertificateChainPolicy { get; init; }
    public string? KeyLogFile { get; init; }
    public required TimeSpan ConnectTimeout { get; init; }
    public required TimeSpan OpenTimeout { get; init; }
    public required KeepAliveKey KeepAlive { get; init; }
    public required BackoffSettings Reconnect { get; init; }
    public required int MaxSessions { get; init; }
    public required TimeSpan SessionIdleTimeout { get; init; }
    public required TimeSpan SessionLifetime { get; init; }
    public required TimeSpan ShutdownTimeout { get; init; }
    public required LimitValues Limits { get; init; }
    public ChannelAddress? Source { get; init; }
    public Func<MtaTlsChannelRequest, CancellationToken, ValueTask>? ChannelRequested { get; init; }
    public bool KeepConnected { get; init; }
    public bool ReplaceSessions { get; init; } = true;
    public Func<DnsEndPoint, CancellationToken, ValueTask<Stream>>? ConnectCallback { get; init; }
    public ILoggerFactory? LoggerFactory { get; init; }
    public required TimeProvider TimeProvider { get; init; }

    /// <summary>All endpoints, the preferred one first.</summary>
    public EndpointList Endpoints => EndpointsOption ?? new EndpointList(new DnsEndPoint(Host, Port));

    /// <summary>The text of the endpoints, for messages.</summary>
    public string Endpoint => Endpoints.ToString();

    /// <summary>The name against which the endpoint's certificate is verified.</summary>
    public string TargetHost => TargetHostOption ?? Host;

    /// <summary>The name against which the certificate of one of the endpoints is verified.</summary>
    public string TargetHostOf(DnsEndPoint endpoint) => TargetHostOption ?? endpoint.Host;

    /// <summary>Whether a channel to this destination may be an ordinary TLS connection to the endpoint: only if the destination is the endpoint itself, by its host or by the name that its certificate must have.</summary>
    public bool IsEndpoint(ChannelAddress destination) =>
        EndpointsOption is null
            ? destination.Port == Port && (SameHost(destination.Host, Host) || SameHost(destination.Host, TargetHost))
            : EndpointsOption.Any(e => destination.Port == e.Port) && (EndpointsOption.All(e => SameHost(destination.Host, e.Host)) || (TargetHostOption is { } name && SameHost(destination.Host, name)));

    /// <summary>Copies the options. Throws one exception with all errors if they are invalid.</summary>
    /// <param name="options">The options.</param>
    /// <param name="endpoint">The endpoint; null for that of the options.</param>
    public static ClientSettings From(MtaTlsClientOptions options, DnsEndPoint? endpoint = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ErrorList errors = new();
        (CertificateSource? certificate, AuthoritySource? authorities) = MtaTlsClientOptionsValidator.Check(options, needsHost: endpoint is null, errors);
        if (errors.All.Count > 0)
        {
            throw new ArgumentException(string.Join(" ", errors.All), nameof(options));
        }

        options.OpenSsl.Apply();
        EndpointList? endpoints = endpoint is not null || options.Endpoints.Count == 0 ? null : new EndpointList([.. options.Endpoints.Select(Parse)]);
        return new ClientSettings
        {
            Host = endpoint?.Host ?? endpoints?[0].Host ?? options.Host!,
            Port = endpoint?.Port ?? endpoints?[0].Port ?? options.Port,
            EndpointsOption = endpoints,
            TargetHostOption = options.TargetHost,
            ExtensionType = options.ExtensionType,
            Mode = options.Mode,
            ApplicationProtocols = new ProtocolList([.. options.ApplicationProtocols]),
            EnabledSslProtocols = options.EnabledSslProtocols,
            CipherSuitesPolicy = options.CipherSuitesPolicy,
            AllowTlsResume = options.AllowTlsResume,
            ClientCertificate = certificate,
            Authorities = authorities,
            RemoteCertificateValidationCallback = options.RemoteCertificateValidationCallback,
            CertificateRevocationCheckMode = options.CertificateRevocationCheckMode,
            CertificateChainPolicy = options.CertificateChainPolicy,
            KeyLogFile = options.KeyLogFile,
            ConnectTimeout = options.ConnectTimeout,
            OpenTimeout = options.OpenTimeout,
            KeepAlive = KeepAliveKey.From(options.KeepAlive),
            Reconnect = BackoffSettings.From(options.Reconnect),
            MaxSessions = options.MaxSessions,
            SessionIdleTimeout = options.SessionIdleTimeout,
            SessionLifetime = options.SessionLifetime,
            ShutdownTimeout = options.ShutdownTimeout,
            Limits = new LimitValues(options.Limits),
            Source = options.Source,
            ChannelRequested = options.ChannelRequested,
            KeepConnected = options.KeepConnected,
            ReplaceSessions = options.ReplaceSessions,
            ConnectCallback = options.ConnectCallback,
            LoggerFactory = options.LoggerFactory,
            TimeProvider = options.TimeProvider,
        };
    }

    /// <summary>Creates the options of the TLS engine.</summary>
    /// <param name="protocols">The application protocols to offer.</param>
    /// <param name="certificate">The client's certificate as it is now.</param>
    /// <param name="authorities">The authorities as they are now.</param>
    /// <param name="targetHost">The name that the certificate must have; null for <see cref="TargetHost"/>.</param>
    public TlsClientOptions ToTlsOptions(ProtocolList protocols, LoadedCertificate? certificate, X509Certificate2Collection? authorities, string? targetHost = null)
    {
        var options = new TlsClientOptions
        {
            TargetHost = targetHost ?? TargetHost,
            ExtensionType = ExtensionType,
            OfferDataMultiplexing = true,
            EnabledSslProtocols = EnabledSslProtocols,
            CipherSuitesPolicy = CipherSuitesPolicy,
            ApplicationProtocols = [.. protocols],
            ClientCertificate = certificate?.Certificate,
            ClientCertificateChain = certificate?.Intermediates,
            RemoteCertificateValidationCallback = RemoteCertificateValidationCallback,
            CertificateRevocationCheckMode = CertificateRevocationCheckMode,
            CertificateChainPolicy = authorities is null ? CertificateChainPolicy : Trust(authorities),
            KeyLogFile = KeyLogFile,
        };
        if (!AllowTlsResume)
        {
            options.SessionCacheSize = 0;
        }

        return options;
    }

    private X509ChainPolicy Trust(X509Certificate2Collection authorities)
    {
        X509ChainPolicy policy = new() { RevocationMode = CertificateRevocationCheckMode, RevocationFlag = X509RevocationFlag.ExcludeRoot };
        AuthoritySource.Apply(authorities, policy);
        return policy;
    }

    private static DnsEndPoint Parse(string text) => EndpointList.TryParse(text, out DnsEndPoint? endpoint) ? endpoint : throw new FormatException(text);

    private static bool SameHost(string a, string b) =>
        a.AsSpan().TrimEnd('.').Equals(b.AsSpan().TrimEnd('.'), StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(a, out IPAddress? first) && IPAddress.TryParse(b, out IPAddress? second) && first.Equals(second));
}
