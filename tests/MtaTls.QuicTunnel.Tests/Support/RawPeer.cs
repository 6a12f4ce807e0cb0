using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Control;

namespace MtaTls.QuicTunnel.Tests.Support;

/// <summary>A QUIC connection to a concentrator that sends exactly the octets of a test, and records the answers.</summary>
internal sealed class RawPeer : IQuicConnectionHandler, IAsyncDisposable
{
    private readonly IQuicEngine _engine;
    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<QuicCloseReason> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly MemoryStream _received = new();

    private RawPeer(IPEndPoint server, X509Certificate2? certificate, string name, X509Certificate2Collection? authorities, string? protocol)
    {
        _engine = QuicEngine.Create(NullLoggerFactory.Instance);
        Connection = _engine.Connect(
            new QuicClientOptions(server, name)
            {
                TrustedAuthorities = authorities ?? TestCertificates.Instance.Authorities,
                ApplicationProtocols = protocol is null ? TunnelProtocol.ApplicationProtocols : [protocol],
                Certificate = certificate,
                // A busy machine takes its time.
                HandshakeTimeout = Wait.Timeout,
                IdleTimeout = TimeSpan.FromMinutes(10),
            },
            this);
    }

    public IQuicConnection Connection { get; }

    public ConcurrentQueue<byte[]> Datagrams { get; } = new();

    /// <summary>The content of the concentrator's control stream when it ended, in hexadecimal, or "reset CODE".</summary>
    public Task<string> Answer => _answer.Task.WaitAsync(Wait.Timeout);

    public Task<QuicCloseReason> Closed => _closed.Task.WaitAsync(Wait.Timeout);

    public static async Task<RawPeer> ConnectAsync(IPEndPoint server, X509Certificate2? certificate = null)
    {
        var peer = new RawPeer(server, certificate ?? TestCertificates.Instance.Client, "localhost", null, null);
        await peer._connected.Task.WaitAsync(Wait.Timeout);
        return peer;
    }

    /// <summary>Connects and opens a session.</summary>
    public static async Task<RawPeer> ConnectWithSessionAsync(IPEndPoint server, X509Certificate2? certificate = null)
    {
        RawPeer peer = await ConnectAsync(server, certificate);
        try
        {
            await peer.NewSessionAsync();
            return peer;
        }
        catch
        {
            await peer.DisposeAsync();
            throw;
        }
    }

    /// <summary>Connects to the end point for other concentrators.</summary>
    /// <param name="server">The end point.</param>
    /// <param name="name">The name of the concentrator there.</param>
    /// <param name="certificate">The certificate of this end.</param>
    /// <param name="authorities">The authorities of the concentrator there.</param>
    public static async Task<RawPeer> ConnectToNodeAsync(IPEndPoint server, string name, X509Certificate2? certificate, X509Certificate2Collection authorities)
    {
        var peer = new RawPeer(server, certificate, name, authorities, "mtatls-qt-relay-1");
        await peer._connected.Task.WaitAsync(Wait.Timeout);
        return peer;
    }

    /// <summary>Opens the next stream (2, 6, 10, ...) and sends octets on it.</summary>
    public long Send(string hex, bool fin = true)
    {
        long stream = Connection.OpenUnidirectionalStream();
        Connection.SendStream(stream, Convert.FromHexString(hex), fin);
        return stream;
    }

    public async Task<byte[]> NewSessionAsync(string value = "")
    {
        Send($"01{value.Length / 2:X2}{value}");
        byte[] answer = Convert.FromHexString(await Answer);
        Assert.Equal(2, answer[0]);
        Assert.Equal(32, answer[1]);
        Assert.Equal(34, answer.Length);
        return answer[2..];
    }

    public Task<string> JoinAsync(ReadOnlySpan<byte> id)
    {
        Send($"03{id.Length:X2}{Convert.ToHexString(id)}");
        return Answer;
    }

    public void SendPacket(ushort tag, byte[] packet) => Assert.True(Connection.TrySendDatagram([], IpPackets.Datagram(tag, packet)));

    public async ValueTask DisposeAsync() => await _engine.DisposeAsync();

    public void OnConnected(IQuicConnection connection) => _connected.TrySetResult();

    public void OnStreamData(IQuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        if (streamId != 3)
        {
            _answer.TrySetException(new InvalidOperationException($"stream {streamId}"));
        }

        _received.Write(data);
        if (fin)
        {
            _answer.TrySetResult(Convert.ToHexString(_received.ToArray()));
        }
    }

    public void OnStreamReset(IQuicConnection connection, long streamId, ulong errorCode) => _answer.TrySetResult($"reset {errorCode}");

    public void OnDatagram(IQuicConnection connection, ReadOnlySpan<byte> data) => Datagrams.Enqueue(data.ToArray());

    public void OnClosed(IQuicConnection connection, QuicCloseReason reason)
    {
        _connected.TrySetException(new IOException(reason.ToString()));
        _answer.TrySetException(new IOException(reason.ToString()));
        _closed.TrySetResult(reason);
    }
}
