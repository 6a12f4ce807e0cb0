using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

/// <summary>The connection below TLS, with its pipes.</summary>
internal sealed class SocketPipes : IDuplexPipe, IAsyncDisposable
{
    private readonly Stream _stream;
    private readonly StreamPipes _pipes;

    public SocketPipes(Stream stream)
    {
        _stream = stream;
        _pipes = new StreamPipes(stream, holdsBuffer: true);
        UnsentLimit.Apply((stream as NetworkStream)?.Socket);
        if ((stream as NetworkStream)?.Socket is { LocalEndPoint: IPEndPoint local })
        {
            LocalAddress = new ChannelAddress(local.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(local.Address.MapToIPv4(), local.Port) : local);
        }
    }

    public PipeReader Input => _pipes.Input;

    public PipeWriter Output => _pipes.Output;

    /// <summary>The local address of the socket; 0.0.0.0:0 when there is none to see.</summary>
    public ChannelAddress LocalAddress { get; }

    /// <summary>The ends of the socket; null where there is none to see.</summary>
    public EndPoint? LocalEndPoint => (_stream as NetworkStream)?.Socket.LocalEndPoint;

    public EndPoint? RemoteEndPoint => (_stream as NetworkStream)?.Socket.RemoteEndPoint;

    public static async ValueTask<SocketPipes> ConnectAsync(ClientSettings settings, CancellationToken cancellationToken)
    {
        var endpoint = new DnsEndPoint(settings.Host, settings.Port);
        if (settings.ConnectCallback is { } connect)
        {
            return new SocketPipes(await connect(endpoint, cancellationToken).ConfigureAwait(false) ?? throw new InvalidOperationException("ConnectCallback returned null."));
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (IPAddress.TryParse(settings.Host, out IPAddress? address))
            {
                await socket.ConnectAsync(new IPEndPoint(address, settings.Port), cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await socket.ConnectAsync(endpoint, cancellationToken).ConfigureAwait(false);
            }

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
        // The stream first: a read or write that is still under way ends with it, and completing a writer would flush.
        await _stream.DisposeAsync().ConfigureAwait(false);
        await _pipes.DisposeAsync().ConfigureAwait(false);
    }
}
