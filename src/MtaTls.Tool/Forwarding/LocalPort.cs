using System.Net;
using System.Net.Sockets;
using MtaTls.AspNetCore.Routing;
using MtaTls.Client;
using MtaTls.Protocol;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Forwarding;

/// <summary>A local port whose connections become channels, to one destination, or as a proxy to the destinations that programs ask for.</summary>
internal sealed class LocalPort : IAsyncDisposable
{
    /// <summary>How long a program may take to send its proxy request.</summary>
    private static readonly TimeSpan s_handshakeTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_halfCloseLinger = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_shutdownIdleTimeout = TimeSpan.FromSeconds(1);

    private readonly ForwardSpec _spec;
    private readonly MtaTlsClient _client;
    private readonly Terminal _terminal;
    private readonly SemaphoreSlim _room;
    private readonly Socket _listener;
    private readonly CancellationTokenSource _accepting = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly HashSet<TcpTunnel> _tunnels = [];
    private TaskCompletionSource? _empty;
    private int _connections;
    private bool _shuttingDown;

    private Task _accept = Task.CompletedTask;

    private LocalPort(ForwardSpec spec, MtaTlsClient client, Terminal terminal, int maxConnections)
    {
        _spec = spec;
        _client = client;
        _terminal = terminal;
        _room = new SemaphoreSlim(maxConnections);
        _listener = new Socket(spec.Local.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (spec.Local.Address.Equals(IPAddress.IPv6Any))
        {
            _listener.DualMode = true;
        }
    }

    /// <summary>The address and port to which programs connect.</summary>
    public EndPoint EndPoint => _listener.LocalEndPoint!;

    /// <summary>Opens the port.</summary>
    /// <param name="spec">The port and the destination.</param>
    /// <param name="client">Opens the channels.</param>
    /// <param name="terminal">Prints a line for each failed connection.</param>
    /// <param name="maxConnections">The most connections at a time. Further ones wait in the port's queue.</param>
    /// <exception cref="ToolException">The port can't be opened.</exception>
    public static LocalPort Open(ForwardSpec spec, MtaTlsClient client, Terminal terminal, int maxConnections)
    {
        var port = new LocalPort(spec, client, terminal, maxConnections);
        try
        {
            port._listener.Bind(spec.Local);
            port._listener.Listen(4096);
        }
        catch (SocketException e)
        {
            port._listener.Dispose();
            string advice = e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => "Another program uses this port. Choose another one.",
                SocketError.AccessDenied => "Ports below 1024 need root. Choose a higher one.",
                _ => "Check the address.",
            };
            throw new ToolException(ExitCode.CannotListen, $"Cannot listen on {spec.Local}: {e.Message}.", advice, e);
        }

        port._accept = port.AcceptAsync();
        return port;
    }

    /// <summary>Accepts no more connections, ends idle ones, and waits for connections in use. A connection that waits for an answer is in use.</summary>
    public async Task DrainAsync(TimeSpan timeout)
    {
        await _accepting.CancelAsync();
        _listener.Dispose();
        await _accept;
        TcpTunnel[] tunnels;
        Task empty;
        lock (_lock)
        {
            _shuttingDown = true;
            tunnels = [.. _tunnels];
            _empty = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_connections == 0)
            {
                _empty.SetResult();
            }

            empty = _empty.Task;
        }

        foreach (TcpTunnel tunnel in tunnels)
        {
            tunnel.ShutDown(s_shutdownIdleTimeout, server: TcpTunnelSide.Channel);
        }

        await empty.WaitAsync(timeout).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _ending.CancelAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await DrainAsync(TimeSpan.Zero);
        _accepting.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                await _room.WaitAsync(_accepting.Token);
                Socket socket = await AcceptOneAsync();
                lock (_lock)
                {
                    _connections++;
                }

                _ = ServeAsync(socket);
            }
            catch (Exception e) when (_accepting.IsCancellationRequested && e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }
        }
    }

    private async Task<Socket> AcceptOneAsync()
    {
        while (true)
        {
            try
            {
                return await _listener.AcceptAsync(_accepting.Token);
            }
            catch (SocketException e) when (!_accepting.IsCancellationRequested)
            {
                // The pause prevents a fast loop: without free file descriptors each attempt fails at once.
                _terminal.Note($"mtatls: {_spec.Local}: a connection could not be accepted: {e.Message}");
                await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, _accepting.Token);
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        ProxyRequest? request = null;
        try
        {
            socket.NoDelay = true;
            if (_spec.Destination is null && (request = await HandshakeAsync(socket)) is null)
            {
                return;
            }

            ChannelAddress destination = request?.Destination ?? _spec.Destination!.Value.ToChannelAddress();
            var source = new ChannelAddress((IPEndPoint)socket.RemoteEndPoint!);
            await using MtaTlsClientChannel channel = await OpenAsync(socket, request, destination, source);
            if (request is not null)
            {
                await ProxyHandshake.AnswerAsync(socket, request.Protocol, ProxyAnswer.Connected, _ending.Token);
                if (!request.Head.IsEmpty)
                {
                    await channel.WriteAsync(request.Head, _ending.Token);
                }
            }

            await TunnelAsync(socket, channel);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            if (e is not (OperationCanceledException or EndOfStreamException or SocketException))
            {
                string target = (request?.Destination ?? _spec.Destination?.ToChannelAddress())?.ToString() ?? "a connection";
                _terminal.Note($"mtatls: {target}: {e.Message}");
            }
        }
        finally
        {
            socket.Dispose();
            _room.Release();
            lock (_lock)
            {
                _connections--;
                if (_connections == 0)
                {
                    _empty?.TrySetResult();
                }
            }
        }
    }

    private async Task<ProxyRequest?> HandshakeAsync(Socket socket)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token, _accepting.Token);
        limit.CancelAfter(s_handshakeTimeout);
        return await ProxyHandshake.ReadAsync(socket, limit.Token);
    }

    private async Task<MtaTlsClientChannel> OpenAsync(Socket socket, ProxyRequest? request, ChannelAddress destination, ChannelAddress source)
    {
        try
        {
            return await _client.OpenChannelAsync(destination, source, _ending.Token);
        }
        catch (Exception e) when (request is not null && e is not OperationCanceledException)
        {
            await ProxyHandshake.AnswerAsync(socket, request.Protocol, e is MtaTlsChannelRefusedException ? ProxyAnswer.Refused : ProxyAnswer.Failed, _ending.Token);
            throw;
        }
    }

    private async Task TunnelAsync(Socket socket, MtaTlsClientChannel channel)
    {
        using var tunnel = new TcpTunnel(socket, channel, s_halfCloseLinger, TimeProvider.System);
        lock (_lock)
        {
            _tunnels.Add(tunnel);
            if (_shuttingDown)
            {
                tunnel.ShutDown(s_shutdownIdleTimeout, server: TcpTunnelSide.Channel);
            }
        }

        try
        {
            using CancellationTokenRegistration ended = _ending.Token.UnsafeRegister(static state => ((MtaTlsClientChannel)state!).Abort(), channel);
            TcpTunnelEnd end = await tunnel.RunAsync();
            if (end is TcpTunnelEnd.DestinationFailed or TcpTunnelEnd.ChannelFailed)
            {
                channel.Abort();
            }
        }
        finally
        {
            lock (_lock)
            {
                _tunnels.Remove(tunnel);
            }
        }
    }
}
