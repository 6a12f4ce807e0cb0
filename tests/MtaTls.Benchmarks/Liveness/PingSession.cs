using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using MtaTls.Client;
using MtaTls.Client.Sessions;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.Benchmarks.Liveness;

/// <summary>A session like those of MtaTls.Client, without its pool.</summary>
internal sealed class PingSession : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly SocketPipes _pipes;

    private PingSession(Socket socket, SocketPipes pipes, MtaTlsSession session) => (_socket, _pipes, Session) = (socket, pipes, session);

    public MtaTlsSession Session { get; }

    /// <summary>The bytes that TCP has carried in both directions, including TLS.</summary>
    public long Bytes
    {
        get
        {
            // tcpi_bytes_acked and tcpi_bytes_received of Linux's TCP_INFO.
            byte[] info = new byte[136];
            int length = _socket.GetRawSocketOption(6, 11, info);
            return length < info.Length ? 0 : BinaryPrimitives.ReadInt64LittleEndian(info.AsSpan(120)) + BinaryPrimitives.ReadInt64LittleEndian(info.AsSpan(128));
        }
    }

    public static async Task<PingSession> ConnectAsync(IPEndPoint server, TlsClientContext context, Action<TimeSpan> answered, CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server, ct);
        var pipes = new SocketPipes(new NetworkStream(socket, ownsSocket: true), new DnsEndPoint("127.0.0.1", server.Port), new KeepAliveKey(false, true, TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(60)));
        TlsConnection tls = await TlsConnection.ConnectAsync(pipes, context, ct);
        return new(socket, pipes, MtaTlsSession.Start(tls, new MtaTlsSessionOptions
        {
            Role = MtaTlsRole.Client,
            KeepAlivePolicy = MtaTlsKeepAlivePolicy.Always,
            KeepAliveTimeout = TimeSpan.FromSeconds(60), // long, so that a busy machine ends no session
            PingAnswered = answered,
        }));
    }

    public async ValueTask DisposeAsync()
    {
        Session.Abort();
        await Session.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _pipes.DisposeAsync();
    }
}
