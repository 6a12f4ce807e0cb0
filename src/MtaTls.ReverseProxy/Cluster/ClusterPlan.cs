using System.Net.Security;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore;
using MtaTls.AspNetCore.Configuration;
using MtaTls.AspNetCore.Routing;
using MtaTls.Client;
using MtaTls.Configuration;
using MtaTls.Protocol;
using MtaTls.ReverseProxy.Diagnostics;

namespace MtaTls.ReverseProxy.Cluster;

/// <summary>What <c>MtaTls:Cluster</c> says, read once when the gateway starts.</summary>
internal sealed class ClusterPlan
{
    private const string Key = $"{MtaTlsSettings.SectionName}:Cluster";

    private readonly Lazy<State> _state;

    public ClusterPlan(IOptions<MtaTlsReverseProxyOptions> options, IOptions<MtaTlsOptions> server, IHostEnvironment environment, TimeProvider time, ILoggerFactory loggers)
    {
        Time = time;
        Loggers = loggers;
        // Read with the first use: an invalid section is reported when the server starts, with all that is wrong.
        _state = new(() => new State(options.Value, server.Value, environment.ContentRootPath, loggers.CreateLogger(ClusterLog.Category)));
    }

    public TimeProvider Time { get; }

    public ILoggerFactory Loggers { get; }

    /// <summary>The options.</summary>
    public MtaTlsClusterOptions Options => _state.Value.Options;

    /// <summary>This gateway's name.</summary>
    public string Node => _state.Value.Node;

    /// <summary>Where others reach this gateway.</summary>
    public Uri Advertise => _state.Value.Advertise;

    /// <summary>Who is a gateway.</summary>
    public PeerTrust Trust => _state.Value.Trust;

    /// <summary>The name that a gateway has by its options.</summary>
    public static string NodeOf(MtaTlsReverseProxyOptions options) => options.Cluster.Node ?? options.Agents.Node ?? Environment.MachineName;

    /// <summary>Whether a text may be a gateway's name: no character of it means anything in a directory's keys and messages.</summary>
    public static bool IsNode(string? text) => text is { Length: > 0 and <= 64 } && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    /// <summary>Reads where a gateway is reached.</summary>
    public static bool TryParseAdvertise(string? text, out Uri advertise)
    {
        advertise = null!;
        if (text is not { Length: <= 300 } || !Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) || uri.Scheme != Uri.UriSchemeHttps || uri.PathAndQuery != "/" || uri.UserInfo.Length > 0 || uri.Fragment.Length > 0)
        {
            return false;
        }

        advertise = uri;
        return true;
    }

    /// <summary>Reports what is wrong with the options of a gateway that is one of several.</summary>
    public static void Check(MtaTlsReverseProxyOptions options, MtaTlsOptions? server, List<string> errors)
    {
        MtaTlsClusterOptions cluster = options.Cluster;
        if (!IsNode(NodeOf(options)))
        {
            errors.Add($"{Key}:Node: '{NodeOf(options)}' is not a name of at most 64 letters, digits, hyphens, underscores and dots.");
        }

        if (cluster.Node is not null && options.Agents.Node is not null && cluster.Node != options.Agents.Node)
        {
            errors.Add($"{Key}:Node: '{cluster.Node}' is not {MtaTlsSettings.SectionName}:Agents:Node ('{options.Agents.Node}'). A gateway has one name; set one of the two.");
        }

        if (!TryParseAdvertise(cluster.Advertise, out _))
        {
            errors.Add($"{Key}:Advertise: '{cluster.Advertise}' is not https://host:port, where other gateways reach the endpoint '{cluster.Endpoint}'.");
        }

        if (cluster.PeerCertificates is null)
        {
            errors.Add($"{Key}:PeerCertificates: is needed: it says which certificates are gateways'.");
        }
        else
        {
            _ = new ClientCertificateCondition(cluster.PeerCertificates, $"{Key}:PeerCertificates", errors);
        }

        if (server?.Endpoints is { Count: > 0 } endpoints && !endpoints.Keys.Contains(cluster.Endpoint, StringComparer.OrdinalIgnoreCase))
        {
            errors.Add($"{Key}:Endpoint: there is no endpoint '{cluster.Endpoint}' in {MtaTlsSettings.SectionName}:Endpoints.");
        }

        if (server is not null && !IsSet(cluster.ClientCertificate) && !IsSet(EndpointCertificate(cluster, server)))
        {
            errors.Add($"{Key}:ClientCertificate: is needed, for {MtaTlsSettings.SectionName}:Endpoints:{cluster.Endpoint}:Certificate names none.");
        }
    }

    /// <summary>How another gateway is connected to.</summary>
    /// <param name="node">The gateway.</param>
    /// <param name="openTimeout">How long it may take to answer an open.</param>
    /// <param name="requested">Answers its opens.</param>
    public MtaTlsClientOptions ClientOptions(MtaTlsNode node, TimeSpan openTimeout, Func<MtaTlsChannelRequest, CancellationToken, ValueTask> requested)
    {
        State state = _state.Value;
        MtaTlsClientOptions options = new()
        {
            Host = node.Advertise.IdnHost.Trim('[', ']'),
            Port = node.Advertise.Port,
            ExtensionType = state.ExtensionType,
            Mode = MtaTlsClientMode.Required,
            ConnectTimeout = state.Options.ConnectTimeout,
            OpenTimeout = openTimeout,
            MaxSessions = state.Options.MaxSessionsPerPeer,
            KeepConnected = true,
            ShutdownTimeout = TimeSpan.FromSeconds(1),
            ChannelRequested = requested,
            LoggerFactory = Loggers,
            TimeProvider = Time,
            // Gateways are known by their certificates, wherever they run.
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) => certificate is System.Security.Cryptography.X509Certificates.X509Certificate2 peer
                && state.Trust.IsPeer(peer, chain, (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None, PeerTrust.ServerAuthentication),
        };
        options.KeepAlive.Ping = true;
        options.KeepAlive.Interval = TimeSpan.FromSeconds(5);
        options.KeepAlive.Timeout = TimeSpan.FromSeconds(5);
        options.Reconnect.InitialDelay = TimeSpan.FromMilliseconds(100);
        options.Reconnect.MaxDelay = state.Options.SuspectTime;
        options.Reconnect.WaitTimeout = TimeSpan.Zero;
        Copy(state.Certificate, options.ClientCertificate);
        return options;
    }

    private static CertificateOptions EndpointCertificate(MtaTlsClusterOptions cluster, MtaTlsOptions server)
        => server.Endpoints.FirstOrDefault(e => e.Key.Equals(cluster.Endpoint, StringComparison.OrdinalIgnoreCase)).Value?.Certificate ?? new CertificateOptions();

    private static bool IsSet(CertificateOptions certificate) => certificate.Path is not null || certificate.Subject is not null || certificate.Thumbprint is not null || certificate.Certificate is not null;

    private static void Copy(CertificateOptions from, CertificateOptions to)
    {
        to.Path = from.Path;
        to.KeyPath = from.KeyPath;
        to.Password = from.Password;
        to.Subject = from.Subject;
        to.Thumbprint = from.Thumbprint;
        to.Store = from.Store;
        to.Location = from.Location;
        to.AllowInvalid = from.AllowInvalid;
        to.Certificate = from.Certificate;
        to.Intermediates = from.Intermediates;
    }

    private sealed class State
    {
        public State(MtaTlsReverseProxyOptions options, MtaTlsOptions server, string contentRoot, ILogger logger)
        {
            List<string> wrong = [];
            ErrorList errors = new();
            Options = options.Cluster;
            Node = NodeOf(options);
            Check(options, server, wrong);
            var authorities = AuthoritySource.Create(Options.AuthorityPath, contentRoot, $"{Key}:AuthorityPath", logger, errors);
            wrong.AddRange(errors.All);
            if (wrong.Count > 0)
            {
                throw new OptionsValidationException(nameof(MtaTlsClusterOptions), typeof(MtaTlsClusterOptions), wrong);
            }

            Advertise = new Uri(Options.Advertise!);
            Trust = new PeerTrust(new ClientCertificateCondition(Options.PeerCertificates!, $"{Key}:PeerCertificates", []), authorities);
            Certificate = IsSet(Options.ClientCertificate) ? Options.ClientCertificate : EndpointCertificate(Options, server);
            ExtensionType = server.ExtensionType;
        }

        public MtaTlsClusterOptions Options { get; }

        public string Node { get; }

        public Uri Advertise { get; }

        public PeerTrust Trust { get; }

        public CertificateOptions Certificate { get; }

        public ushort ExtensionType { get; }
    }
}
