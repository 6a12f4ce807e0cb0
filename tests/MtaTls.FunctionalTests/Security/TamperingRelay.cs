using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MtaTls.FunctionalTests.Security;

/// <summary>A man in the middle: a TCP relay that changes the ClientHello of each connection and forwards all other bytes unchanged.</summary>
internal sealed class TamperingRelay : IAsyncDisposable
{
    private const ushort DataMultiplexing = 65389;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly Task _accepting;
    private int _changed;

    /// <param name="target">The server's port.</param>
    /// <param name="offer">Whether the ClientHello offers data_multiplexing after the relay.</param>
    public TamperingRelay(int target, bool offer)
    {
        _listener.Start();
        _accepting = AcceptAsync(target, offer);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The number of connections whose ClientHello was changed.</summary>
    public int Changed => Volatile.Read(ref _changed);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections);
        _stop.Dispose();
    }

    private async Task AcceptAsync(int target, bool offer)
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptSocketAsync(_stop.Token);
                _connections.Add(RelayAsync(client, target, offer));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
        }
    }

    private async Task RelayAsync(Socket client, int target, bool offer)
    {
        using Socket server = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using (client)
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, target, _stop.Token);
                using NetworkStream near = new(client), far = new(server);
                byte[] header = new byte[5];
                await near.ReadExactlyAsync(header, _stop.Token);
                byte[] record = new byte[BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(3))];
                await near.ReadExactlyAsync(record, _stop.Token);
                byte[] rewritten = Rewrite(record, offer);
                if (!rewritten.AsSpan().SequenceEqual(record))
                {
                    Interlocked.Increment(ref _changed);
                }

                BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(3), (ushort)rewritten.Length);
                await far.WriteAsync((byte[])[.. header, .. rewritten], _stop.Token);
                await Task.WhenAll(PumpAsync(near, far, server), PumpAsync(far, near, client));
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or SocketException or ObjectDisposedException)
            {
                // Either side has disconnected.
            }
        }
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to, Socket end)
    {
        await from.CopyToAsync(to, _stop.Token);
        end.Shutdown(SocketShutdown.Send);
    }

    /// <summary>Rewrites a ClientHello (RFC 8446, section 4.1.2) in one record, with or without the extension.</summary>
    private static byte[] Rewrite(byte[] message, bool offer)
    {
        int at = 4 + 2 + 32;
        at += 1 + message[at];
        at += 2 + BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(at));
        at += 1 + message[at];
        List<byte> extensions = [];
        int end = at + 2 + BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(at));
        // Inserted first, because a pre_shared_key extension must be the last.
        if (offer)
        {
            extensions.AddRange([DataMultiplexing >> 8, DataMultiplexing & 0xFF, 0, 0]);
        }

        for (int i = at + 2; i < end;)
        {
            int length = 4 + BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(i + 2));
            if (BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(i)) != DataMultiplexing)
            {
                extensions.AddRange(message.AsSpan(i, length));
            }

            i += length;
        }

        byte[] rewritten = [.. message.AsSpan(0, at), (byte)(extensions.Count >> 8), (byte)extensions.Count, .. extensions];
        (rewritten[1], rewritten[2], rewritten[3]) = ((byte)((rewritten.Length - 4) >> 16), (byte)((rewritten.Length - 4) >> 8), (byte)(rewritten.Length - 4));
        return rewritten;
    }
}
