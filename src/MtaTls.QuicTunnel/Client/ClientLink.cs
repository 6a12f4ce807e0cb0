using System.Net;
using System.Net.Sockets;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Client;

/// <summary>
/// Keeps one connection open: from one local address, over one interface, or as the routes decide. It connects, joins the session, waits until the connection ends, waits for the reconnect
/// delay, and starts again. A change of the host's interfaces ends the delay.
/// </summary>
internal sealed class ClientLink
{
    // After this many polls without an answer on any path, the link looks for the session at another node.
    private const int SilentPolls = 3;
    private static readonly TimeSpan s_silencePoll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_migrationTime = TimeSpan.FromSeconds(3);

    // With a relayed connection, the link tries the session's own concentrator after the first time, and then less and less often. An attempt has the last time.
    private static readonly TimeSpan s_firstReturn = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_longestReturn = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_returnTime = TimeSpan.FromSeconds(3);

    private readonly ClientTunnel _tunnel;
    private readonly IPAddress? _address;
    private readonly string? _interfaceName;
    private readonly Backoff _backoff;
    private readonly ClientDialer _dialer;
    private readonly Lock _lock = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile IQuicConnection? _connection;
    private volatile ClientConnection? _handler;
    private volatile IPAddress? _source; // For a link without an entry: the source address that the routes chose.
    private IPAddress? _movingTo; // guarded by _lock
    // Used only by the link's loop: a connection that has joined the session in place of one to a silent node, and whether the next attempt starts at once because the session is gone.
    private DialedConnection? _found;
    private bool _mustBeginAnew;
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

    /// <summary>Handles a change of the host's interfaces.</summary>
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

    /// <summary>Runs one connection until it ends. True if the next attempt may start at once.</summary>
    private async Task<bool> ServeAsync(CancellationToken cancellationToken)
    {
        if (!IsAvailable())
        {
            _tunnel.Log.AddressNotThere(Name);
            return false;
        }

        DialedConnection? found = _found;
        _found = null;
        _mustBeginAnew = false;
        if ((found ?? await _dialer.ConnectAsync(DialTarget.NodeFirst, cancellationToken)) is not { } dialed)
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
            NegotiationOutcome outcome = found is not null ? NegotiationOutcome.Attached : await NegotiateAsync(handler, anyNode: false, cancellationToken);
            if (outcome != NegotiationOutcome.Attached)
            {
                connection.Close(0, "The client got no session.");
                QuicCloseReason end = await handler.Closed;
                if (end is not { Kind: QuicCloseKind.Application, IsRemote: false })
                {
                    // Nothing was logged yet. The concentrator has closed the connection, as it does if the client is not allowed, or the connection was lost.
                    _tunnel.Log.ConnectFailed(Name, $"{_tunnel.Options.Host}:{_tunnel.Port}: the connection ended before there was a session ({end}).");
                }

                // Hurry only once: a concentrator that never knows the session must not cause a busy loop.
                bool hurry = outcome is NegotiationOutcome.SessionUnknown or NegotiationOutcome.OtherNode && !_hasHurried;
                _hasHurried = hurry;
                return hurry;
            }

            _hasHurried = false;
            _tunnel.Log.LinkUp(Name, connection.LocalEndPoint, dialed.Server, handler.Path!.Session is ClientSession session ? session.Name : "");
            ReportAvailable(connection);
            QuicCloseReason reason = await WaitForEndAsync(connection, handler, cancellationToken);
            _tunnel.Log.LinkDown(Name, reason.ToString());
            _backoff.OnServed(reason);
            if (reason is { Kind: QuicCloseKind.Application, IsRemote: true, ErrorCode: (ulong)QuicTunnelError.SessionEnded })
            {
                _tunnel.Sessions.Forget((ClientSession)handler.Path.Session);
            }
            // Reconnect at once after an idle timeout or a failed migration, but not after the concentrator closed the connection.
            return _found is not null || (!reason.IsRemote && reason.Kind is QuicCloseKind.IdleTimeout or QuicCloseKind.Aborted) || _mustBeginAnew;
        }
        finally
        {
            _connection = null;
            _handler = null;
        }
    }

    /// <summary>Waits until the connection has ended. A concentrator that is one of several and does not answer on any path may be gone: then the link looks for another. A link that another relays tries its way back.</summary>
    private async Task<QuicCloseReason> WaitForEndAsync(IQuicConnection connection, ClientConnection handler, CancellationToken cancellationToken)
    {
        if (handler.Path?.Session is not ClientSession { NodeAddresses.Count: > 0 } session)
        {
            return await handler.Closed;
        }

        TimeSpan pause = s_firstReturn;
        long returns = _tunnel.TimeProvider.GetTimestamp();
        for (int silent = 0; ;)
        {
            await Task.WhenAny(handler.Closed, Task.Delay(s_silencePoll, _tunnel.TimeProvider, cancellationToken));
            if (handler.Closed.IsCompleted || cancellationToken.IsCancellationRequested)
            {
                return await handler.Closed;
            }

            silent = session.IsSilent ? silent + 1 : 0;
            if (silent >= SilentPolls && session.TryBeginSearch())
            {
                silent = 0;
                try
                {
                    await TryAsync(SearchAsync(connection, session, cancellationToken), cancellationToken);
                }
                finally
                {
                    session.EndSearch();
                }
            }
            else if (handler.Path.IsRelayed && _tunnel.TimeProvider.GetElapsedTime(returns) >= pause)
            {
                await TryAsync(ReturnAsync(connection, cancellationToken), cancellationToken);
                pause = pause * 2 > s_longestReturn ? s_longestReturn : pause * 2;
                returns = _tunnel.TimeProvider.GetTimestamp();
            }
        }
    }

    private async Task TryAsync(Task attempt, CancellationToken cancellationToken)
    {
        try
        {
            await attempt;
        }
        catch (Exception exception) when (exception is SocketException or IOException || (exception is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            _tunnel.Log.ConnectFailed(Name, exception.Message);
        }
    }

    /// <summary>Replaces a relayed connection by one to the session's own concentrator, when that answers again.</summary>
    private async Task ReturnAsync(IQuicConnection connection, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(s_returnTime, _tunnel.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        DialedConnection? dialed;
        try
        {
            dialed = await _dialer.ConnectAsync(DialTarget.NodeOnly, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return; // It does not answer yet.
        }

        if (dialed is not null)
        {
            NegotiationOutcome outcome = await NegotiateAsync(dialed.Handler, anyNode: true, cancellationToken);
            Replace(connection, dialed, outcome, "The direct path works again.");
        }
    }

    private async Task SearchAsync(IQuicConnection connection, ClientSession session, CancellationToken cancellationToken)
    {
        _tunnel.Log.NodeSilent(session.Name, _tunnel.Options.Host, _tunnel.Port);
        if (await _dialer.ConnectAsync(DialTarget.AnyNode, cancellationToken) is not { } dialed)
        {
            return;
        }

        // The first node may have answered meanwhile.
        NegotiationOutcome outcome = session.IsSilent ? await NegotiateAsync(dialed.Handler, anyNode: true, cancellationToken) : NegotiationOutcome.Failed;
        // If the session is unknown, its connections are closed, this link's among them.
        _mustBeginAnew |= outcome == NegotiationOutcome.SessionUnknown;
        Replace(connection, dialed, outcome, "Another connection has taken its place.");
    }

    /// <summary>Puts a connection that has joined the session in the place of the link's own one, and closes one that has not.</summary>
    private void Replace(IQuicConnection connection, DialedConnection dialed, NegotiationOutcome outcome, string reason)
    {
        if (outcome == NegotiationOutcome.Attached)
        {
            _found = dialed;
            connection.Close(0, reason);
        }
        else
        {
            dialed.Connection.Close(0, "No session.");
        }
    }

    private async Task<NegotiationOutcome> NegotiateAsync(ClientConnection handler, bool anyNode, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_tunnel.Options.ConnectTimeout, _tunnel.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            return await _tunnel.Sessions.NegotiateAsync(handler, anyNode, either.Token);
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
            // The delay is over, or the client stops.
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

    // If the interface has another address or the routes have changed, migrate the connection. If that fails, it is opened again.
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
            // A host reports one change several times, so a running migration is not started again.
            _movingTo = target;
            _ = AbandonUnlessMovedAsync(connection, target);
        }
        catch (SocketException exception)
        {
            _tunnel.Log.ConnectFailed(Name, exception.Message);
        }
    }

    /// <summary>Returns the address to migrate to; null if the connection can stay on its address.</summary>
    private IPAddress? FindNewAddress(IQuicConnection connection)
    {
        IPAddress remote = connection.RemoteEndPoint.Address;
        IPAddress local = connection.LocalEndPoint.Address;
        if (_interfaceName is not null)
        {
            IPAddress? current = _tunnel.Network.FindAddress(_interfaceName, remote.AddressFamily);
            return current is null || current.Equals(local) || _tunnel.Network.HasAddress(local, _interfaceName) ? null : current;
        }

        // Without an entry the socket is bound to no address, so compare with the address that the routes chose.
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
