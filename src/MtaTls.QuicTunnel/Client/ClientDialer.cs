using System.Net;
using System.Net.Sockets;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Client;

/// <summary>
/// Connects to the first of the concentrator's addresses that answers (RFC 8305). It tries IPv6 and IPv4 addresses in turn, the next one 250 ms after the one before, or at once if that failed.
/// </summary>
internal sealed class ClientDialer(ClientTunnel tunnel, string linkName, int preference, IPAddress? localAddress, string? interfaceName)
{
    /// <summary>The Connection Attempt Delay (RFC 8305, section 8).</summary>
    private static readonly TimeSpan s_attemptDelay = TimeSpan.FromMilliseconds(250);

    // Longer than most handshakes: the shared address may lead to a concentrator that does not have the session.
    private static readonly TimeSpan s_nodeDelay = TimeSpan.FromSeconds(2);

    /// <summary>Connects. Null if no address answers; the reasons are logged.</summary>
    /// <param name="target">Which concentrator.</param>
    /// <param name="cancellationToken">Ends the attempts.</param>
    /// <exception cref="SocketException">The name has no address that this link can reach.</exception>
    public async Task<DialedConnection?> ConnectAsync(DialTarget target, CancellationToken cancellationToken)
    {
        var waiting = new Queue<(IPEndPoint Server, TimeSpan Pause)>(await FindServersAsync(target, cancellationToken));
        if (waiting.Count == 0)
        {
            throw new SocketException((int)SocketError.HostNotFound);
        }

        var racing = new List<DialedConnection>();
        DialedConnection? winner = null;
        TimeSpan pause = s_attemptDelay;
        try
        {
            while (winner is null && (waiting.Count > 0 || racing.Count > 0))
            {
                if (waiting.TryDequeue(out (IPEndPoint Server, TimeSpan Pause) next) && Begin(next.Server) is { } begun)
                {
                    racing.Add(begun);
                    pause = next.Pause;
                }

                winner = await FirstAsync(racing, waiting.Count > 0 ? pause : Timeout.InfiniteTimeSpan, cancellationToken);
            }

            return winner;
        }
        finally
        {
            foreach (DialedConnection other in racing)
            {
                if (other != winner)
                {
                    other.Connection.Close(0, "Another address answered first.");
                }
            }
        }
    }

    /// <summary>Returns the servers in their order, each with the pause before the next: the own addresses of the session's concentrator, then the shared ones.</summary>
    private async Task<IEnumerable<(IPEndPoint Server, TimeSpan Pause)>> FindServersAsync(DialTarget target, CancellationToken cancellationToken)
    {
        IPEndPoint[] own = target == DialTarget.AnyNode ? [] : [.. (tunnel.Sessions.Current?.NodeAddresses ?? []).Where(server => CanReach(server.AddressFamily))];
        IPAddress[] shared = [];
        try
        {
            if (target != DialTarget.NodeOnly)
            {
                shared = await tunnel.ResolveAsync(cancellationToken);
            }
        }
        catch (SocketException) when (own.Length > 0)
        {
            // The concentrator's own addresses may answer.
        }

        return own.Select((server, index) => (server, index < own.Length - 1 ? s_attemptDelay : s_nodeDelay))
            .Concat(Order(shared).Except(own).Select(static server => (server, s_attemptDelay)));
    }

    /// <summary>Returns the addresses that the link can reach: IPv6 and IPv4 in turn, IPv6 first.</summary>
    private IEnumerable<IPEndPoint> Order(IPAddress[] addresses)
    {
        IPAddress[] reachable = [.. addresses.Where(address => CanReach(address.AddressFamily)).Distinct()];
        if (localAddress is null && interfaceName is null && Array.FindAll(reachable, address => tunnel.Network.FindSource(address) is not null) is { Length: > 0 } routed)
        {
            reachable = routed;
        }

        IPAddress[] v6 = Array.FindAll(reachable, static address => address.AddressFamily == AddressFamily.InterNetworkV6);
        IPAddress[] v4 = Array.FindAll(reachable, static address => address.AddressFamily == AddressFamily.InterNetwork);
        for (int i = 0; i < Math.Max(v6.Length, v4.Length); i++)
        {
            if (i < v6.Length)
            {
                yield return new IPEndPoint(v6[i], tunnel.Port);
            }

            if (i < v4.Length)
            {
                yield return new IPEndPoint(v4[i], tunnel.Port);
            }
        }
    }

    private bool CanReach(AddressFamily family) =>
        localAddress is not null ? localAddress.AddressFamily == family
        : interfaceName is null || tunnel.Network.FindAddress(interfaceName, family) is not null;

    private DialedConnection? Begin(IPEndPoint server)
    {
        var handler = new ClientConnection(tunnel.Sessions, preference);
        try
        {
            return new DialedConnection(tunnel.Engine.Connect(CreateOptions(server), handler), handler, server);
        }
        catch (SocketException exception)
        {
            tunnel.Log.ConnectFailed(linkName, $"{server}: {exception.Message}");
            return null;
        }
    }

    /// <summary>Waits until a connection is established or the next attempt may start. Removes failed attempts.</summary>
    private async Task<DialedConnection?> FirstAsync(List<DialedConnection> racing, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (racing.Count == 0)
        {
            return null;
        }

        using var delay = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pause = Task.Delay(patience, tunnel.TimeProvider, delay.Token);
        try
        {
            await Task.WhenAny([pause, .. racing.Select(static dialed => (Task)dialed.Handler.Connected)]);
            cancellationToken.ThrowIfCancellationRequested();
        }
        finally
        {
            await delay.CancelAsync();
        }

        for (int i = racing.Count - 1; i >= 0; i--)
        {
            DialedConnection dialed = racing[i];
            if (!dialed.Handler.Connected.IsCompleted)
            {
                continue;
            }

            if (await dialed.Handler.Connected)
            {
                return dialed;
            }

            racing.RemoveAt(i);
            tunnel.Log.ConnectFailed(linkName, $"{dialed.Server}: {await dialed.Handler.Closed}");
        }

        return null;
    }

    private QuicClientOptions CreateOptions(IPEndPoint server)
    {
        var options = new QuicClientOptions(server, tunnel.TargetHost)
        {
            ApplicationProtocols = TunnelProtocol.ApplicationProtocols,
            LocalAddress = localAddress ?? (interfaceName is null ? null : tunnel.Network.FindAddress(interfaceName, server.AddressFamily)),
            InterfaceName = interfaceName,
            IdleTimeout = tunnel.Options.IdleTimeout,
            KeepAliveInterval = tunnel.Options.KeepAlive.Interval,
            HandshakeTimeout = tunnel.Options.ConnectTimeout,
            MaxConcurrentStreams = 1,
            UsePreferredAddress = tunnel.Options.UsePreferredAddress,
            TrustedAuthorities = tunnel.Authorities?.Current,
        };
        TunnelQuicOptions.Apply(options, tunnel.Options.QlogDirectory, tunnel.Options.CongestionControl);
        if (tunnel.Certificate?.Current is { } certificate)
        {
            (options.Certificate, options.IntermediateCertificates) = (certificate.Certificate, certificate.Intermediates);
        }

        return options;
    }
}
