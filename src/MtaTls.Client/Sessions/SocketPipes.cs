using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

/// <summary>The connection below TLS as a pair of pipes. They read and write the stream straight: no loop, no task while nothing happens.</summary>
internal sealed class SocketPipes : IDuplexPipe, IAsyncDisposable
{
    // Room for four full TLS records a read.
    private const int ReadBufferSize = 64 * 1024;

    // All that a flush of the send loop gathers, in one piece: four full records are a little more than 64 KiB, and the rest would be a send of its own.
    private const int WriteBufferSize = 128 * 1024;

    private readonly Stream _stream;
    private int _disposed;

    public SocketPipes(Stream stream)
    {
        _stream = stream;
        Input = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: ReadBufferSize, minimumReadSize: 4096, leaveOpen: true));
        Output = PipeWriter.Create(stream, new StreamPipeWriterOptions(minimumBufferSize: WriteBufferSize, leaveOpen: true));
        UnsentLimit.Apply((stream as NetworkStream)?.Socket);
        if ((stream as NetworkStream)?.Socket is { LocalEndPoint: IPEndPoint local })
            LocalAddress = new ChannelAddress(local.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(local.Address.MapToIPv4(), local.Port) : local);
    }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    /// <summary>The local address of the socket; 0.0.0.0:0 when there is none to see.</summary>
    public ChannelAddress LocalAddress { get; }

    public static async ValueTask<SocketPipes> ConnectAsync(ClientSettings settings, CancellationToken cancellationToken)
    {
        var endpoint = new DnsEndPoint(settings.Host, settings.Port);
        if (settings.ConnectCallback is { } connect)
            return new SocketPipes(await connect(endpoint, cancellationToken).ConfigureAwait(false) ?? throw new InvalidOperationException("ConnectCallback returned null."));
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (IPAddress.TryParse(settings.Host, out IPAddress? address))
                await socket.ConnectAsync(new IPEndPoint(address, settings.Port), cancellationToken).ConfigureAwait(false);
            else
                await socket.ConnectAsync(endpoint, cancellationToken).ConfigureAwait(false);
            return new SocketPipes(new NetworkStream(socket, ownsSocket: true));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        // The stream first: a read or write that is still under way ends with it, and completing a writer would flush.
        await _stream.DisposeAsync().ConfigureAwait(false);
        await Input.CompleteAsync().ConfigureAwait(false);
        try
        {
            await Output.CompleteAsync(new IOException("The connection is closed.")).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // What could not be sent any more is lost with its connection.
        }
    }
}
