using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using MtaTls.AspNetCore.Transport;

namespace MtaTls.AspNetCore.Tests.Transport;

/// <summary>The accept loop when the system cannot create a socket.</summary>
public sealed class AcceptFailureTests
{
    private static readonly TimeSpan s_hang = TimeSpan.FromMinutes(5);

    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogger _logger = new();
    private int _attempts;

    [Fact]
    public async Task Without_file_descriptors_it_pauses_between_attempts_logs_once_a_minute_and_continues()
    {
        await using AcceptedConnectionListener listener = Bind(SocketError.TooManyOpenSockets);
        Task<ConnectionContext?> accepting = listener.AcceptAsync().AsTask();
        // It has tried once and pauses. The clock stands still, so nothing more happens.
        Assert.Equal(1, _attempts);
        for (int second = 0; second < 150; second++)
        {
            int before = _attempts;
            // The pauses are at least 10 ms and at most a second, so there were some attempts, but few.
            _time.Advance(TimeSpan.FromSeconds(1));
            using CancellationTokenSource hang = new(s_hang);
            while (Volatile.Read(ref _attempts) == before)
            {
                await Task.Delay(1, hang.Token);
            }
        }

        Assert.InRange(_attempts, 150, 160);
        FakeLogRecord[] records = [.. _logger.Collector.GetSnapshot()];
        Assert.Equal(3, records.Length);
        Assert.All(records, static r => Assert.Equal(LogLevel.Warning, r.Level));
        Assert.Contains("TooManyOpenSockets", records[0].Message, StringComparison.Ordinal);

        using Socket peer = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await peer.ConnectAsync(listener.EndPoint);
        _error = null;
        using CancellationTokenSource timeout = new(s_hang);
        while (!accepting.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1, timeout.Token);
        }

        await using ConnectionContext connection = (await accepting)!;
        Assert.Equal(peer.LocalEndPoint, connection.RemoteEndPoint);
    }

    [Fact]
    public async Task A_connection_that_was_reset_in_the_backlog_delays_no_other()
    {
        await using AcceptedConnectionListener listener = Bind(SocketError.ConnectionReset, times: 3);
        using Socket peer = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await peer.ConnectAsync(listener.EndPoint);
        await using ConnectionContext connection = (await listener.AcceptAsync().AsTask().WaitAsync(s_hang))!;
        Assert.Equal(4, _attempts);
        Assert.Empty(_logger.Collector.GetSnapshot());
    }

    [Fact]
    public async Task A_listener_that_pauses_is_unbound_at_once()
    {
        await using AcceptedConnectionListener listener = Bind(SocketError.TooManyOpenSockets);
        Task<ConnectionContext?> accepting = listener.AcceptAsync().AsTask();
        await listener.UnbindAsync();
        Assert.Null(await accepting.WaitAsync(s_hang));
    }

    private SocketError? _error;

    private AcceptedConnectionListener Bind(SocketError error, int times = int.MaxValue)
    {
        var listener = AcceptedConnectionListener.Bind(
            new IPEndPoint(IPAddress.Loopback, 0), new SocketTransportOptions(), new SocketConnectionFactoryOptions(), null, _logger, _time);
        Func<CancellationToken, ValueTask<Socket>> real = listener.AcceptSocket;
        _error = error;
        listener.AcceptSocket = cancellationToken =>
        {
            int attempt = Interlocked.Increment(ref _attempts);
            return _error is { } failure && attempt <= times ? throw new SocketException((int)failure) : real(cancellationToken);
        };
        return listener;
    }
}
