using System.Net;
using System.Net.Sockets;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Client;

/// <summary>
/// Keeps one connection up: from one local address, over one interface, or as the routes say. Connects, has the connection join the session, waits for its end, pauses, and
/// begins again; a change of the host's interfaces cuts the pause short.
/// </summary>
internal sealed class ClientLink
{
    private static readonly TimeSpan s_migrationTime = TimeSpan.FromSeconds(3);

    private readonly QuicTunnelClient _client;
    private readonly IPAddress? _address;
    private readonly string? _interfaceName;
    private readonly Backoff _backoff;
    private readonly Lock _lock = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile IQuicConnection? _connection;
    private volatile ClientConnection? _handler;
    private bool _isUp = true;
    private bool _hasHurried;

    public ClientLink(QuicTunnelClient client, string? entry)
    {
        _client = client;
        Name = entry ?? "default";
        if (entry is not null && !IPAddress.TryParse(entry, out _address))
        {
            _interfaceName = entry;
        }

        if (entry is not null && client.Options.AccessNetworks.TryGetValue(entry, out AccessNetwork access))
        {
            Access = access;
        }

        _backoff = new Backoff(client.Options.ReconnectDelay, client.Options.MaxReconnectDelay, Random.Shared);
    }

    public string Name { get; }

    public AccessNetwork Access { get; }

    public IQuicConnection? Connection => _connection;

    public TunnelPath? Path => _handler?.Path;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            Task changed = Volatile.Read(ref _changed).Task;
            try
            {
                if (await ServeAsync(cancellationToken))
                {
                    continue;
                }
            }
            catch (Exception exception) when (exception is SocketException or IOException)
            {
                _client.Log.ConnectFailed(Name, exception.Message);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                _client.Log.LinkFailed(exception, Name);
            }

            await PauseAsync(changed, cancellationToken);
        }
    }

    /// <summary>The host's interfaces have changed.</summary>
    public void OnNetworkChanged()
    {
        lock (_lock)
        {
            bool wasUp = _isUp;
            _isUp = IsAvailable();
            if (wasUp != _isUp)
            {
                OnAvailabilityChanged(_isUp);
            }

            if (_isUp)
            {
                FollowAddress();
            }
        }

        Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    /// <summary>One connection, from its beginning to its end. True when the next may follow at once.</summary>
    private async Task<bool> ServeAsync(CancellationToken cancellationToken)
    {
        if (!IsAvailable())
        {
            _client.Log.AddressNotThere(Name);
            return false;
        }

        IPEndPoint server = await _client.ResolveAsync(_address?.AddressFamily, cancellationToken);
        var handler = new ClientConnection(_client);
        IQuicConnection connection = _client.Engine.Connect(CreateOptions(server), handler);
        _connection = connection;
        _handler = handler;
        try
        {
            using CancellationTokenRegistration registration = cancellationToken.Register(static state => ((IQuicConnection)state!).Close(0, "The client stops."), connection);
            if (!await handler.Connected)
            {
                _client.Log.ConnectFailed(Name, (await handler.Closed).ToString());
                return false;
            }

            NegotiationOutcome outcome = await NegotiateAsync(connection, handler, cancellationToken);
            if (outcome != NegotiationOutcome.Attached)
            {
                connection.Close(0, "No session.");
                await handler.Closed;
                // Once: a concentrator that knows none of its sessions must not keep this busy.
                bool hurry = outcome == NegotiationOutcome.SessionUnknown && !_hasHurried;
                _hasHurried = hurry;
                return hurry;
            }

            _hasHurried = false;
            _backoff.Reset();
            _client.Log.LinkUp(Name, connection.LocalEndPoint, server, handler.Path!.Session is ClientSession session ? session.Name : "");
            ReportAvailable(connection);
            QuicCloseReason reason = await handler.Closed;
            _client.Log.LinkDown(Name, reason.ToString());
            if (reason is { Kind: QuicCloseKind.Application, IsRemote: true, ErrorCode: (ulong)QuicTunnelError.SessionEnded })
            {
                _client.ForgetSession((ClientSession)handler.Path.Session);
            }
            // A path that was lost on the way, or moved in vain, is tried again at once; one that the concentrator closed is not.
            return !reason.IsRemote && reason.Kind is QuicCloseKind.IdleTimeout or QuicCloseKind.Aborted;
        }
        finally
        {
            _connection = null;
            _handler = null;
        }
    }

    private async Task<NegotiationOutcome> NegotiateAsync(IQuicConnection connection, ClientConnection handler, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_client.Options.ConnectTimeout, _client.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            return await _client.NegotiateAsync(connection, handler, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            _client.Log.ConnectFailed(Name, "The concentrator did not answer.");
            return NegotiationOutcome.Failed;
        }
    }

    private QuicClientOptions CreateOptions(IPEndPoint server)
    {
        var options = new QuicClientOptions(server, _client.ServerName)
        {
            ApplicationProtocols = TunnelProtocol.ApplicationProtocols,
            LocalAddress = _address ?? (_interfaceName is null ? null : _client.Network.FindAddress(_interfaceName, server.AddressFamily)),
            InterfaceName = _interfaceName,
            IdleTimeout = _client.Options.IdleTimeout,
            KeepAliveInterval = _client.Options.KeepAliveInterval,
            HandshakeTimeout = _client.Options.ConnectTimeout,
            MaxConcurrentStreams = 1,
            TrustedAuthorities = _client.Authorities,
        };
        if (_client.Certificate is { } certificate)
        {
            (options.Certificate, options.IntermediateCertificates) = certificate;
        }

        return options;
    }

    private async Task PauseAsync(Task changed, CancellationToken cancellationToken)
    {
        try
        {
            await changed.WaitAsync(_backoff.Next(), _client.TimeProvider, cancellationToken);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            // Time is up, or the client stops.
        }
    }

    private bool IsAvailable()
    {
        if (_address is not null)
        {
            return _client.Network.HasAddress(_address);
        }

        if (_interfaceName is not null)
        {
            return _client.Network.FindAddress(_interfaceName, AddressFamily.InterNetwork) is not null
                || _client.Network.FindAddress(_interfaceName, AddressFamily.InterNetworkV6) is not null;
        }

        return true;
    }

    private void OnAvailabilityChanged(bool up)
    {
        if (up)
        {
            _client.Log.AccessBack(Name);
        }
        else
        {
            _client.Log.AccessLost(Name);
        }

        if (Path is { } path)
        {
            path.IsReportedUnavailable = !up;
            if (!up)
            {
                path.Session.Drain(path);
            }
        }

        if (Access != AccessNetwork.Unknown)
        {
            _client.Report(this, new AccessReport(Access, up ? AccessSignal.Available : AccessSignal.Unavailable));
        }

        if (up)
        {
            _connection?.Ping();
        }
    }

    private void ReportAvailable(IQuicConnection connection)
    {
        if (Access != AccessNetwork.Unknown)
        {
            connection.SendStream(connection.OpenUnidirectionalStream(), new AccessReport(Access, AccessSignal.Available).Encode(), fin: true);
        }
    }

    // The interface has another address, or the routes lead another way: the connection moves there, or is made anew.
    private void FollowAddress()
    {
        if (_address is not null || _connection is not { IsConnected: true } connection)
        {
            return;
        }

        IPAddress remote = connection.RemoteEndPoint.Address;
        IPAddress? current = _interfaceName is null ? _client.Network.FindSource(remote) : _client.Network.FindAddress(_interfaceName, remote.AddressFamily);
        if (current is null || current.Equals(connection.LocalEndPoint.Address))
        {
            return;
        }

        _client.Log.Migrating(Name, connection.LocalEndPoint.Address, current);
        try
        {
            connection.Migrate(current, _interfaceName);
            _ = AbandonUnlessMovedAsync(connection, current);
        }
        catch (SocketException exception)
        {
            _client.Log.ConnectFailed(Name, exception.Message);
        }
    }

    private async Task AbandonUnlessMovedAsync(IQuicConnection connection, IPAddress address)
    {
        await Task.Delay(s_migrationTime, _client.TimeProvider);
        if (connection.IsConnected && !connection.LocalEndPoint.Address.Equals(address))
        {
            connection.Abort();
        }
    }
}
