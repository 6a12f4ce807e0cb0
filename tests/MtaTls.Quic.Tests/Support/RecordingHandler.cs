using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using MtaTls.Quic;

namespace MtaTls.Quic.Tests.Support;

/// <summary>Records the events of a connection, so that a test can wait for them.</summary>
internal sealed class RecordingHandler : IQuicConnectionHandler
{
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(120);

    private readonly TaskCompletionSource<IQuicConnection> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<QuicCloseReason> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<long, List<byte>> _streams = new();
    private int _closedCalls, _datagramCount, _pathChanges;

    public ChannelReader<byte[]> Datagrams => DatagramChannel.Reader;

    public ChannelReader<(long StreamId, byte[] Data)> Streams => StreamChannel.Reader;

    public ChannelReader<(string What, long StreamId, ulong Code)> StreamEnds => StreamEndChannel.Reader;

    public ChannelReader<SocketError> SendErrors => SendErrorChannel.Reader;

    public Task<IQuicConnection> Connected => _connected.Task.WaitAsync(Timeout);

    public Task<QuicCloseReason> Closed => _closed.Task.WaitAsync(Timeout);

    public bool IsConnected => _connected.Task.IsCompletedSuccessfully;

    public bool IsClosed => _closed.Task.IsCompleted;

    public int ClosedCalls => _closedCalls;

    public int DatagramCount => Volatile.Read(ref _datagramCount);

    public int PathChanges => Volatile.Read(ref _pathChanges);

    public bool KeepDatagrams { get; set; } = true;

    public List<string> Violations { get; } = [];

    /// <summary>Runs at the end of OnDatagram, if <see cref="KeepDatagrams"/> is true.</summary>
    public Action<IQuicConnection, byte[]>? DatagramAction { get; set; }

    public Action<IQuicConnection>? ReadyAction { get; set; }

    public Action<IQuicConnection>? ConnectedAction { get; set; }

    public Action<IQuicConnection>? ClosedAction { get; set; }

    private Channel<byte[]> DatagramChannel { get; } = Channel.CreateUnbounded<byte[]>();

    private Channel<(long StreamId, byte[] Data)> StreamChannel { get; } = Channel.CreateUnbounded<(long, byte[])>();

    private Channel<(string, long, ulong)> StreamEndChannel { get; } = Channel.CreateUnbounded<(string, long, ulong)>();

    private Channel<SocketError> SendErrorChannel { get; } = Channel.CreateUnbounded<SocketError>();

    /// <summary>The name of the method that throws. The name is also the exception's message.</summary>
    public string? ThrowsIn { get; set; }

    /// <summary>Waits until a condition without an event is true.</summary>
    public static async Task Until(Func<bool> condition)
    {
        using var timeout = new CancellationTokenSource(Timeout);
        while (!condition())
        {
            await Task.Delay(5, timeout.Token);
        }
    }

    /// <summary>The number of bytes that were received on a stream.</summary>
    public int OctetsOf(long streamId) => _streams.TryGetValue(streamId, out List<byte>? octets) ? octets.Count : 0;

    public void OnConnected(IQuicConnection connection)
    {
        if (IsConnected)
        {
            Violations.Add("OnConnected was called twice.");
        }

        ConnectedAction?.Invoke(connection);
        _connected.TrySetResult(connection);
    }

    public void OnStreamData(IQuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        Expect();
        ThrowIfToldTo();
        List<byte> octets = _streams.GetOrAdd(streamId, static _ => []);
        octets.AddRange(data);
        if (fin)
        {
            StreamChannel.Writer.TryWrite((streamId, [.. octets]));
        }
    }

    public void OnStreamReset(IQuicConnection connection, long streamId, ulong errorCode)
    {
        Expect();
        ThrowIfToldTo();
        StreamEndChannel.Writer.TryWrite(("reset", streamId, errorCode));
    }

    public void OnStopSending(IQuicConnection connection, long streamId, ulong errorCode)
    {
        Expect();
        ThrowIfToldTo();
        StreamEndChannel.Writer.TryWrite(("stop", streamId, errorCode));
    }

    public void OnDatagram(IQuicConnection connection, ReadOnlySpan<byte> data)
    {
        Expect();
        ThrowIfToldTo();
        Interlocked.Increment(ref _datagramCount);
        if (!KeepDatagrams)
        {
            return;
        }

        byte[] copy = data.ToArray();
        DatagramChannel.Writer.TryWrite(copy);
        DatagramAction?.Invoke(connection, copy);
    }

    public void OnDatagramReady(IQuicConnection connection)
    {
        Expect();
        ThrowIfToldTo();
        ReadyAction?.Invoke(connection);
    }

    public void OnPathChanged(IQuicConnection connection)
    {
        Expect();
        ThrowIfToldTo();
        Interlocked.Increment(ref _pathChanges);
    }

    public void OnSendError(IQuicConnection connection, SocketError error) => SendErrorChannel.Writer.TryWrite(error);

    public void OnClosed(IQuicConnection connection, QuicCloseReason reason)
    {
        Interlocked.Increment(ref _closedCalls);
        ClosedAction?.Invoke(connection);
        _closed.TrySetResult(reason);
        _connected.TrySetException(new IOException($"The connection has ended before its handshake: {reason}"));
        DatagramChannel.Writer.TryComplete();
    }

    private void ThrowIfToldTo([CallerMemberName] string name = "")
    {
        if (name == ThrowsIn)
        {
            throw new InvalidOperationException(name);
        }
    }

    private void Expect()
    {
        if (!_connected.Task.IsCompleted || _closedCalls > 0)
        {
            Violations.Add("A call came before OnConnected or after OnClosed.");
        }
    }
}
