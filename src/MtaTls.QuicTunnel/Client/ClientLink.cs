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

    private readonly ClientTunnel _tunnel;
    private readonly IPAddress? _address;
    private readonly string? _interfaceName;
    private readonly Backoff _backoff;
    private readonly ClientDialer _dialer;
    private readonly Lock _lock = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile IQuicConnection? _connection;
    private volatile ClientConnection? _handler;
    private volatile IPAddress? _source; // Of a link without an entry: where the routes had the connection begin.
    private IPAddress? _movingTo; // guarded by _lock
    private bool _isUp = true;
    private bool _hasHurried;

    public ClientLink(ClientTunnel tunnel, string? entry, int preference = 0)
    {
        _tunnel = tunnel;
        Name = entry ?? "default";
        if (entry is not null && !IPAddress.TryParse(entry, out _address))
        {
            _interfaceName = entry;
        }

        if (entry is not null && tunnel.Options.AccessNetworks.TryGetValue(entry, out AccessNetwork access))
        {
            Access = access;
        }

        _dialer = new ClientDialer(tunnel, Name, preference, _address, _interfaceName);
        _backoff = new Backoff(tunnel.Options.Reconnect, Random.Shared);
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
                _tunnel.Log.ConnectFailed(Name, $"{_tunnel.Options.Host}:{_tunnel.Port}: {exception.Message}");
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                _tunnel.Log.LinkFailed(exception, Name);
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
            _tunnel.Log.AddressNotThere(Name);
            return false;
        }

        if (await _dialer.ConnectAsync(cancellationToken) is not { } dialed)
        {
            return false;
        }

        IQuicConnection connection = dialed.Connection;
        ClientConnection handler = dialed.Handler;
        _source = _tunnel.Network.FindSource(dialed.Server.Address);
        _connection = connection;
        _handler = handler;
        try
        {
            using CancellationTokenRegistration registration = cancellationToken.Register(static state => ((IQuicConnection)state!).Close(0, "The client stops."), connection);
            NegotiationOutcome outcome = await NegotiateAsync(handler, cancellationToken);
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
            _tunnel.Log.LinkUp(Name, connection.LocalEndPoint, dialed.Server, handler.Path!.Session is ClientSession session ? session.Name : "");
            ReportAvailable(connection);
            QuicCloseReason reason = await handler.Closed;
            _tunnel.Log.LinkDown(Name, reason.ToString());
            if (reason is { Kind: QuicCloseKind.Application, IsRemote: true, ErrorCode: (ulong)QuicTunnelError.SessionEnded })
            {
                _tunnel.Sessions.Forget((ClientSession)handler.Path.Session);
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

    private async Task<NegotiationOutcome> NegotiateAsync(ClientConnection handler, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_tunnel.Options.ConnectTimeout, _tunnel.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            return await _tunnel.Sessions.NegotiateAsync(handler, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            _tunnel.Log.ConnectFailed(Name, $"{_tunnel.Options.Host}:{_tunnel.Port}: the concentrator did not answer.");
            return NegotiationOutcome.Failed;
        }
    }

    private async Task PauseAsync(Task changed, CancellationToken cancellationToken)
    {
        try
        {
            await changed.WaitAsync(_backoff.Next(), _tunnel.TimeProvider, cancellationToken);
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
            return _tunnel.Network.HasAddress(_address);
        }

        if (_interfaceName is not null)
        {
            return _tunnel.Network.FindAddress(_interfaceName, AddressFamily.InterNetwork) is not null
                || _tunnel.Network.FindAddress(_interfaceName, AddressFamily.InterNetworkV6) is not null;
        }

        return true;
    }

    private void OnAvailabilityChanged(bool up)
    {
        if (up)
        {
            _tunnel.Log.AccessBack(Name);
        }
        else
        {
            _tunnel.Log.AccessLost(Name);
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
            _tunnel.Report(this, new AccessReport(Access, up ? AccessSignal.Available : AccessSignal.Unavailable));
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
            _tunnel.TrySendReport(connection, new AccessReport(Access, AccessSignal.Available).Encode());
        }
    }

    // The interface has another address, or the routes lead another way: the connection moves there, or is made anew.
    private void FollowAddress()
    {
        if (_address is not null || _connection is not { IsConnected: true } connection || FindNewAddress(connection) is not { } target || target.Equals(_movingTo))
        {
            return;
        }

        _tunnel.Log.Migrating(Name, _source ?? connection.LocalEndPoint.Address, target);
        try
        {
            connection.Migrate(target, _interfaceName);
            // A host tells several times of one change: the migration that runs is let run.
            _movingTo = target;
            _ = AbandonUnlessMovedAsync(connection, target);
        }
        catch (SocketException exception)
        {
            _tunnel.Log.ConnectFailed(Name, exception.Message);
        }
    }

    /// <summary>Null when the connection can stay where it is.</summary>
    private IPAddress? FindNewAddress(IQuicConnection connection)
    {
        IPAddress remote = connection.RemoteEndPoint.Address;
        IPAddress local = connection.LocalEndPoint.Address;
        if (_interfaceName is not null)
        {
            IPAddress? current = _tunnel.Network.FindAddress(_interfaceName, remote.AddressFamily);
            return current is null || current.Equals(local) || _tunnel.Network.HasAddress(local, _interfaceName) ? null : current;
        }

        // Without an entry the socket is bound to no address: it is the routes' choice that may have changed.
        IPAddress? routed = _tunnel.Network.FindSource(remote);
        return routed is null || routed.Equals(_source) ? null : routed;
    }

    private async Task AbandonUnlessMovedAsync(IQuicConnection connection, IPAddress target)
    {
        await Task.Delay(s_migrationTime, _tunnel.TimeProvider);
        bool moved = connection.LocalEndPoint.Address.Equals(target);
        lock (_lock)
        {
            if (target.Equals(_movingTo))
            {
                _movingTo = null;
            }

            if (moved && _connection == connection)
            {
                _source = target;
            }
        }

        if (connection.IsConnected && !moved && !IsMovingElsewhere())
        {
            connection.Abort();
        }
    }

    private bool IsMovingElsewhere()
    {
        lock (_lock)
        {
            return _movingTo is not null;
        }
    }
}
