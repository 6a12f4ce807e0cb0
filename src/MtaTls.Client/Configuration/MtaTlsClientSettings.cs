using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Configuration;
using MtaTls.Protocol;
using MtaTls.Tls;
using Delays = MtaTls.Configuration.Settings<MtaTls.Client.MtaTlsReconnectOptions>;
using S = MtaTls.Configuration.Settings<MtaTls.Client.MtaTlsClientOptions>;
using SourceSettings = MtaTls.Configuration.Settings<MtaTls.Client.Configuration.ConfiguredSource>;

namespace MtaTls.Client.Configuration;

/// <summary>The settings of the section <c>MtaTlsClient</c>.</summary>
internal static class MtaTlsClientSettings
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    private static readonly SettingTable<OpenSslOptions> s_openSsl = new(
    [
        Settings<OpenSslOptions>.File(
            nameof(OpenSslOptions.Path), "The folder with the two libraries of OpenSSL 3, or the file of libssl. It applies to the whole process and is read before the first use of TLS.",
            o => o.Path, (o, v) => o.Path = v, "where the system finds it"),
    ]);

    public static SettingTable<MtaTlsReconnectOptions> Reconnect { get; } = new(
    [
        Delays.Duration(nameof(MtaTlsReconnectOptions.InitialDelay), "The back-off after the first failed attempt.", o => o.InitialDelay, (o, v) => o.InitialDelay = v, TimeSpan.Zero, s_hour),
        Delays.Duration(nameof(MtaTlsReconnectOptions.MaxDelay), "The longest back-off.", o => o.MaxDelay, (o, v) => o.MaxDelay = v, TimeSpan.Zero, s_hour),
        Delays.Duration(
            nameof(MtaTlsReconnectOptions.WaitTimeout), "How long channels wait for an endpoint that was reached before and is not reachable now, for example while it restarts.",
            o => o.WaitTimeout, (o, v) => o.WaitTimeout = v, TimeSpan.Zero, s_hour),
        Delays.Number(
            nameof(MtaTlsReconnectOptions.Jitter), "The random part of each back-off, so that clients of a server that restarts do not all reconnect at the same time.",
            o => o.Jitter, (o, v) => o.Jitter = v, 0, 1),
    ]);

    public static SettingTable<ConfiguredSource> Source { get; } = new(
    [
        SourceSettings.Text(nameof(ConfiguredSource.Host), "The host that channels name as their source: a domain name or an IP address.", o => o.Host, (o, v) => o.Host = v, required: true),
        SourceSettings.Integer(nameof(ConfiguredSource.Port), "The port that channels name as their source.", o => o.Port, (o, v) => o.Port = v, 0, 65_535),
    ]);

    /// <summary>The whole section.</summary>
    public static SettingTable<MtaTlsClientOptions> Table { get; } = new(
    [
        S.Text(
            nameof(MtaTlsClientOptions.Host), "The host of the endpoint to which the TLS sessions go: a domain name or an IP address.",
            o => o.Host, (o, v) => o.Host = v, defaultText: "the host of each request's URI"),
        S.Integer(nameof(MtaTlsClientOptions.Port), "The TCP port of the endpoint.", o => o.Port, (o, v) => o.Port = v, 1, 65_535),
        S.List(
            nameof(MtaTlsClientOptions.Endpoints),
            "Equivalent endpoints, as host:port or [IPv6 address]:port, the preferred one first; in place of Host and Port. They are tried concurrently (RFC 8305). An endpoint that has sent a go-away is tried last.",
            (o, v) => o.Endpoints.Add(v)),
        S.Text(
            nameof(MtaTlsClientOptions.TargetHost), "The name that the endpoint's certificate must have, and that is sent as server_name (SNI).",
            o => o.TargetHost, (o, v) => o.TargetHost = v, defaultText: "the value of Host"),
        S.Integer(
            nameof(MtaTlsClientOptions.ExtensionType), "The code point of the TLS extension data_multiplexing. The server needs the same value. Hexadecimal digits after 0x are accepted.",
            o => o.ExtensionType, (o, v) => o.ExtensionType = v, ushort.MinValue, ushort.MaxValue, hexadecimal: true),
        S.Choice<MtaTlsClientMode>(
            nameof(MtaTlsClientOptions.Mode), "What the client does if the server does not answer the extension: use ordinary TLS (Preferred), or fail (Required).", o => o.Mode, (o, v) => o.Mode = v),
        S.List(
            nameof(MtaTlsClientOptions.ApplicationProtocols), "The application protocols (ALPN) to offer, the preferred one first: h2, http/1.1. HTTP handlers choose from them.",
            (o, v) => o.ApplicationProtocols.Add(new SslApplicationProtocol(v))),
        S.Flags<SslProtocols>(
            nameof(MtaTlsClientOptions.EnabledSslProtocols), "The TLS versions to offer.",
            o => o.EnabledSslProtocols, (o, v) => o.EnabledSslProtocols |= v, [nameof(SslProtocols.Tls12), nameof(SslProtocols.Tls13)], "TLS 1.2 and 1.3"),
        S.Boolean(nameof(MtaTlsClientOptions.AllowTlsResume), "Whether TLS sessions may be resumed.", o => o.AllowTlsResume, (o, v) => o.AllowTlsResume = v),
        S.Section(
            nameof(MtaTlsClientOptions.ClientCertificate),
            "The client's certificate, with the schema of Kestrel:Certificates: a file (Path) or a certificate store (Subject or Thumbprint). A renewed file is read again before the next handshake.",
            o => o.ClientCertificate, CertificateSettings.Table),
        S.File(
            nameof(MtaTlsClientOptions.AuthorityPath),
            "A PEM file with the authorities that must have issued the endpoint's certificate, in place of the machine's authorities. It is read again when it has changed. Relative to the content root.",
            o => o.AuthorityPath, (o, v) => o.AuthorityPath = v, "the machine's authorities"),
        S.Choice<X509RevocationMode>(
            nameof(MtaTlsClientOptions.CertificateRevocationCheckMode), "Whether and how revocation of the endpoint's certificate is checked.",
            o => o.CertificateRevocationCheckMode, (o, v) => o.CertificateRevocationCheckMode = v),
        S.File(
            nameof(MtaTlsClientOptions.KeyLogFile),
            "A file to which the keys of every session are appended (SSLKEYLOGFILE format), for debugging. Anyone who can read it can decrypt the traffic.",
            o => o.KeyLogFile, (o, v) => o.KeyLogFile = v, "none"),
        S.Section(nameof(MtaTlsClientOptions.OpenSsl), "The location of OpenSSL 3.", o => o.OpenSsl, s_openSsl),
        S.Duration(
            nameof(MtaTlsClientOptions.ConnectTimeout), "How long connecting to the endpoint may take, with the TLS handshake. It is also the time that a channel waits for room when all sessions are full.",
            o => o.ConnectTimeout, (o, v) => o.ConnectTimeout = v, infinite: true),
        S.Duration(
            nameof(MtaTlsClientOptions.OpenTimeout), "How long the server may take to answer an open. Then the open fails.", o => o.OpenTimeout, (o, v) => o.OpenTimeout = v, infinite: true),
        S.Section(nameof(MtaTlsClientOptions.KeepAlive), "How the client finds a server that no longer answers.", o => o.KeepAlive, KeepAliveSettings.Client),
        S.Section(nameof(MtaTlsClientOptions.Reconnect), "The back-off after a failed attempt to connect.", o => o.Reconnect, Reconnect),
        S.Integer(
            nameof(MtaTlsClientOptions.MaxRetries), "How often an idempotent request is retried if its session was lost before the response (IHttpClientBuilder.UseMtaTls); 0 for never. If it is not set and the client has a handler of Microsoft.Extensions.Http.Resilience, it is 0.",
            o => o.MaxRetries, (o, v) => o.MaxRetries = v, 0, 100, "times"),
        S.Integer(
            nameof(MtaTlsClientOptions.MaxSessions), "Sessions to the endpoint at a time, for one list of application protocols. A further session is opened only when the others are full.",
            o => o.MaxSessions, (o, v) => o.MaxSessions = v, 1, 1_000, "sessions"),
        S.Duration(
            nameof(MtaTlsClientOptions.SessionIdleTimeout), "How long a session without channels is kept.", o => o.SessionIdleTimeout, (o, v) => o.SessionIdleTimeout = v, infinite: true),
        S.Duration(
            nameof(MtaTlsClientOptions.SessionLifetime),
            "The age at which another session replaces a session, shortened by a random part of up to a tenth, so that a changed DNS entry takes effect. Open channels continue.",
            o => o.SessionLifetime, (o, v) => o.SessionLifetime = v, infinite: true),
        S.Duration(
            nameof(MtaTlsClientOptions.ShutdownTimeout), "How long disposal waits until open channels are closed. Then it aborts them.",
            o => o.ShutdownTimeout, (o, v) => o.ShutdownTimeout = v, infinite: true),
        S.Section(nameof(MtaTlsClientOptions.Limits), "The limits of each session.", o => o.Limits, SessionLimits.Table),
        S.Optional<ConfiguredSource>(
            nameof(MtaTlsClientOptions.Source), "The source that channels name.", (o, v) => o.Source = new ChannelAddress(v.Host, v.Port), Source, "the local address of the session's socket"),
        S.Boolean(
            nameof(MtaTlsClientOptions.KeepConnected), "Whether one session is kept open at all times and reconnected when it is lost, for clients whose server opens channels.",
            o => o.KeepConnected, (o, v) => o.KeepConnected = v),
        S.Boolean(
            nameof(MtaTlsClientOptions.ReplaceSessions), "Whether a session that is draining (after a go-away or at its age) and has channels is replaced at once. If false, it is replaced when a channel needs another session.",
            o => o.ReplaceSessions, (o, v) => o.ReplaceSessions = v),
    ]);
}
