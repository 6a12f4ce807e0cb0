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

/// <summary>The settings of <c>MtaTls:Cluster</c>, read once when the gateway starts.</summary>
internal sealed class ClusterPlan
{
    private const string Key = $"{MtaTlsSettings.SectionName}:Cluster";

    private readonly Lazy<State> _state;

    public ClusterPlan(IOptions<MtaTlsReverseProxyOptions> options, IOptions<MtaTlsOptions> server, IHostEnvironment environment, TimeProvider time, ILoggerFactory loggers)
    {
        Time = time;
        Loggers = loggers;
        // Read at first use, not here: the server's start reports an invalid section, with all its errors.
        _state = new(() => new State(options.Value, server.Value, environment.ContentRootPath, loggers.CreateLogger(ClusterLog.Category)));
    }

    public TimeProvider Time { get; }

    public ILoggerFactory Loggers { get; }

    public MtaTlsClusterOptions Options => _state.Value.Options;

    /// <summary>This gateway's name.</summary>
    public string Node => _state.Value.Node;

    /// <summary>The URL at which other gateways reach this one.</summary>
    public Uri Advertise => _state.Value.Advertise;

    /// <summary>Decides whether a certificate belongs to a gateway of the cluster.</summary>
    public PeerTrust Trust => _state.Value.Trust;

    /// <summary>The gateway's name according to its options.</summary>
    public static string NodeOf(MtaTlsReverseProxyOptions options) => options.Cluster.Node ?? options.Agents.Node ?? Environment.MachineName;

    /// <summary>Whether a text may be a gateway's name. Its characters have no special meaning in a directory's keys and messages.</summary>
    public static bool IsNode(string? text) => text is { Length: > 0 and <= 64 } && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    /// <summary>Parses the URL at which a gateway is reached.</summary>
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

    /// <summary>Adds an error for each invalid option of a gateway that is one of several.</summary>
    public static void Check(MtaTlsReverseProxyOptions options, MtaTlsOptions? server, List<string> errors)
    {
        MtaTlsClusterOptions cluster = options.Cluster;
        if (!IsNode(NodeOf(options)))
        {
            errors.Add($"{Key}:Node: '{NodeOf(options)}' is not 1 to 64 letters, digits, hyphens, underscores or dots.");
        }

        if (cluster.Node is not null && options.Agents.Node is not null && cluster.Node != options.Agents.Node)
        {
            errors.Add($"{Key}:Node: '{cluster.Node}' differs from {MtaTlsSettings.SectionName}:Agents:Node ('{options.Agents.Node}'). A gateway has one name; set only one of the two.");
        }

        if (!TryParseAdvertise(cluster.Advertise, out _))
        {
            errors.Add($"{Key}:Advertise: '{cluster.Advertise}' is not a URL https://host:port. Other gateways reach the endpoint '{cluster.Endpoint}' of this one there.");
        }

        if (cluster.PeerCertificates is null)
        {
            errors.Add($"{Key}:PeerCertificates: is required. It is the condition for gateways' certificates.");
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
            errors.Add($"{Key}:ClientCertificate: is required, because {MtaTlsSettings.SectionName}:Endpoints:{cluster.Endpoint}:Certificate names no certificate.");
        }
    }

    /// <summary>The client options for connecting to another gateway.</summary>
    /// <param name="node">The other gateway.</param>
    /// <param name="openTimeout">How long the other gateway may take to answer an open.</param>
    /// <param name="requested">Handles the channels that the other gateway opens.</param>
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
            // A gateway is identified by its certificate alone, so a mismatch of the host name does not matter.
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
