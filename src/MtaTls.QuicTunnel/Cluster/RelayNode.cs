using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using MtaTls.Configuration;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Concentrator;
using MtaTls.QuicTunnel.Configuration;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Cluster;

/// <summary>
/// Relays between concentrators, for failover: it connects clients that have reached this concentrator to their sessions at others, and it accepts what others relay to sessions of this one. Thread-safe.
/// </summary>
internal sealed class RelayNode : IAsyncDisposable
{
    public const string SettingKey = $"{QuicTunnelOptions.SectionName}:Cluster:Relay";

    /// <summary>The application protocol between concentrators. Its end points speak no other.</summary>
    private static readonly IReadOnlyList<string> s_protocols = ["mtatls-qt-relay-1"];

    private readonly QuicTunnelOptions _options;
    private readonly IQuicEngine _engine;
    private readonly CertificateSource _certificate;
    private readonly AuthoritySource _authorities;
    private readonly IQuicListener _listener;
    private readonly CertificateWatch _watch;
    private readonly ConcurrentDictionary<string, byte> _attempts = new(); // the ids of the sessions that a client is being connected to
    private readonly ILogger _log;
    private readonly string _node;

    private RelayNode(
        TunnelConcentrator concentrator, IQuicEngine engine, RelayShared shared, CertificateSource certificate, AuthoritySource authorities, Func<IQuicConnection, IQuicConnectionHandler> accept)
    {
        (_options, _engine, Shared, _certificate, _authorities, _log) = (concentrator.Options, engine, shared, certificate, authorities, concentrator.Log);
        _node = _options.Cluster.NodeName;
        TunnelRelayOptions relay = _options.Cluster.Relay;
        Outgoing = new RelaySlots(relay.MaxRelays, relay.MaxRelaysPerNode);
        Accepted = new RelaySlots(relay.MaxRelays, relay.MaxRelaysPerNode);
        LoadedCertificate used = certificate.Current;
        QuicListenerOptions options = CreateListenerOptions(used);
        _listener = engine.Listen(options, accept);
        _watch = new CertificateWatch(certificate, $"{SettingKey}:Certificate", used, authorities, options, _listener, _log, concentrator.TimeProvider);
        _log.RelayStarted(string.Join(", ", _listener.LocalEndPoints), relay.AdvertisedAddress ?? "none");
    }

    public RelayShared Shared { get; }

    /// <summary>The connections that this concentrator relays for clients.</summary>
    public RelaySlots Outgoing { get; }

    /// <summary>The relayed connections of this concentrator's sessions.</summary>
    public RelaySlots Accepted { get; }

    /// <summary>Starts to relay. Null if the options do not ask for it.</summary>
    public static RelayNode? Start(
        TunnelConcentrator concentrator, IQuicEngine engine, RelayShared shared, CertificateSource? certificate, AuthoritySource? authorities, Func<IQuicConnection, IQuicConnectionHandler> accept) =>
        certificate is null || authorities is null ? null : new RelayNode(concentrator, engine, shared, certificate, authorities, accept);

    /// <summary>Connects a client to its session at another concentrator. Null if it has joined; else the error for the refusal. Never throws.</summary>
    /// <param name="client">The client's connection.</param>
    /// <param name="sessionId">The id that the client has sent.</param>
    /// <param name="identity">The client's verified identity.</param>
    /// <param name="owner">The concentrator that has the session.</param>
    /// <param name="begun">Called with the link before anything is sent. The client's connection uses it from then on.</param>
    public async Task<QuicTunnelError?> RelayAsync(IQuicConnection client, byte[] sessionId, string? identity, TunnelSessionOwner owner, Action<RelayLink> begun)
    {
        if (sessionId.Length != SessionId.Length || FindAddress(owner) is not { } address)
        {
            return Failed(owner, RelayRefusal.Unreachable, "it has no known address (QuicTunnel:Cluster:Relay:Nodes, or Advertise at the other concentrator).");
        }

        // Each attempt is a handshake, and a session has one relayed path.
        string session = Convert.ToHexString(sessionId);
        if (!_attempts.TryAdd(session, 0))
        {
            Shared.Relayed.Refused(RelayRefusal.Limit);
            return QuicTunnelError.ConflictingState;
        }

        try
        {
            return await AttemptAsync(client, sessionId, identity, owner, address, begun);
        }
        finally
        {
            _attempts.TryRemove(session, out _);
        }
    }

    /// <summary>Whether a peer at the end point for concentrators is the one that it says.</summary>
    public bool IsNode(IQuicConnection connection, string node) =>
        !string.Equals(node, _node, StringComparison.OrdinalIgnoreCase) && (Shared.Options.Nodes.Count == 0 || Shared.Options.Nodes.ContainsKey(node)) && NodeCertificate.Is(connection.PeerCertificate, node);

    /// <summary>Accepts no more connections and closes those that there are.</summary>
    public void Stop()
    {
        _listener.StopAccepting();
        _listener.CloseConnections((ulong)QuicTunnelError.Unknown, "The concentrator stops.");
    }

    public void RefreshCertificates() => _watch.Refresh();

    public ValueTask DisposeAsync()
    {
        _watch.Dispose();
        return _listener.DisposeAsync();
    }

    private async Task<QuicTunnelError?> AttemptAsync(IQuicConnection client, byte[] sessionId, string? identity, TunnelSessionOwner owner, IPEndPoint address, Action<RelayLink> begun)
    {
        if (!Outgoing.TryTake(owner.Node))
        {
            return Failed(owner, RelayRefusal.Limit, "this concentrator has its most relayed connections (MaxRelays, MaxRelaysPerNode).");
        }

        var link = new RelayLink(Shared, owner.Node, new RelayJoin(_node, SessionLocator.HashBytes(identity), sessionId), client, OnEnded);
        try
        {
            begun(link);
            link.Begin(_engine.Connect(CreateClientOptions(address, owner.Node), link));
        }
        catch (Exception exception) when (exception is SocketException or CryptographicException or ArgumentException or ObjectDisposedException)
        {
            Outgoing.Return(owner.Node);
            return Failed(owner, RelayRefusal.Unreachable, exception.Message);
        }

        try
        {
            QuicTunnelError? error = await link.Outcome.WaitAsync(Shared.Options.ConnectTimeout, Shared.Time);
            if (error is null)
            {
                _log.RelayBegan(link.SessionName, owner.Node, client.RemoteEndPoint);
            }
            else
            {
                Shared.Relayed.Refused(RelayRefusal.Refused);
            }

            return error;
        }
        catch (TimeoutException)
        {
            link.Close((ulong)QuicTunnelError.Unknown, "The concentrator has not answered in time.");
            return Failed(owner, RelayRefusal.Unreachable, $"it has not answered within ConnectTimeout ({Shared.Options.ConnectTimeout}).");
        }
        catch (IOException) when (!client.IsConnected)
        {
            return QuicTunnelError.ConflictingState; // The client has gone. That says nothing about the other concentrator.
        }
        catch (IOException exception)
        {
            return Failed(owner, RelayRefusal.Unreachable, exception.Message);
        }
    }

    private void OnEnded(RelayLink link, QuicCloseReason reason)
    {
        Outgoing.Return(link.Owner);
        if (link.IsAttached)
        {
            _log.RelayEnded(link.SessionName, link.Owner, reason.ToString());
        }
    }

    private QuicTunnelError Failed(TunnelSessionOwner owner, RelayRefusal refusal, string reason)
    {
        Shared.Relayed.Refused(refusal);
        if (Shared.Failures.TryTake())
        {
            _log.RelayFailed(owner.Node, reason);
        }

        return QuicTunnelError.ConflictingState;
    }

    private IPEndPoint? FindAddress(TunnelSessionOwner owner)
    {
        string? text = Shared.Options.Nodes.TryGetValue(owner.Node, out string? configured) ? configured : Shared.Options.Nodes.Count == 0 ? owner.RelayAddress : null;
        return NodeAddress.TryParse(text, out IPEndPoint? address) ? address : null;
    }

    private QuicListenerOptions CreateListenerOptions(LoadedCertificate certificate)
    {
        TunnelSessionOptions sessions = _options.Sessions;
        TunnelRelayOptions relay = Shared.Options;
        var options = new QuicListenerOptions
        {
            Certificate = certificate.Certificate,
            IntermediateCertificates = certificate.Intermediates,
            ClientCertificateMode = QuicClientCertificateMode.Require,
            TrustedAuthorities = _authorities.Current,
            HandshakeTimeout = sessions.NegotiationTimeout,
            // Some room beside the accepted connections, for those that have not said yet what they want.
            MaxConnections = Math.Min(10_000_000, relay.MaxRelays + sessions.MaxHandshakes),
            MaxHandshakes = sessions.MaxHandshakes,
            MaxConcurrentStreams = sessions.MaxPendingReports + 1,
            // Each Access Report has a stream, and so has each change of the client's path MTU.
            MaxStreams = Math.Min(1_000_000, sessions.MaxReports + 1_000),
        };
        Apply(options);
        foreach (string endPoint in relay.Listen)
        {
            options.EndPoints.Add(IPEndPoint.Parse(endPoint));
        }

        return options;
    }

    private QuicClientOptions CreateClientOptions(IPEndPoint address, string node)
    {
        LoadedCertificate certificate = _certificate.Current;
        var options = new QuicClientOptions(address, node)
        {
            Certificate = certificate.Certificate,
            IntermediateCertificates = certificate.Intermediates,
            TrustedAuthorities = _authorities.Current,
            // The name is checked as at the other end: no wildcards.
            CertificateValidation = (presented, _, errors) => errors == SslPolicyErrors.None && NodeCertificate.Is(presented, node),
            HandshakeTimeout = Shared.Options.ConnectTimeout,
            KeepAliveInterval = Shared.Options.IdleTimeout / 3,
            MaxConcurrentStreams = 1,
            UsePreferredAddress = false,
        };
        Apply(options);
        return options;
    }

    private void Apply(QuicConnectionOptions options)
    {
        options.ApplicationProtocols = s_protocols;
        options.IdleTimeout = Shared.Options.IdleTimeout;
        TunnelQuicOptions.Apply(options, _options.QlogDirectory, _options.CongestionControl);
    }
}
