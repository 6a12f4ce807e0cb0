using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

/// <summary>The connection below TLS as pipes.</summary>
internal sealed class SocketPipes : IDuplexPipe, IAsyncDisposable, IDisposable
{
    private readonly Stream _stream;
    private readonly StreamPipes _pipes;

    public SocketPipes(Stream stream, DnsEndPoint endpoint, KeepAliveKey keepAlive)
    {
        _stream = stream;
        _pipes = new StreamPipes(stream, holdsBuffer: true);
        Endpoint = endpoint;
        UnsentLimit.Apply((stream as NetworkStream)?.Socket);
        if (keepAlive.Tcp)
        {
            TcpKeepAlive.Apply((stream as NetworkStream)?.Socket, keepAlive.Interval, keepAlive.Timeout);
        }
        if ((stream as NetworkStream)?.Socket is { LocalEndPoint: IPEndPoint local })
        {
            LocalAddress = new ChannelAddress(local.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(local.Address.MapToIPv4(), local.Port) : local);
        }
    }

    public PipeReader Input => _pipes.Input;

    public PipeWriter Output => _pipes.Output;

    /// <summary>The endpoint that was reached.</summary>
    public DnsEndPoint Endpoint { get; }

    /// <summary>The local address of the socket; 0.0.0.0:0 if ConnectCallback returned another stream.</summary>
    public ChannelAddress LocalAddress { get; }

    /// <summary>The local address of the socket, for tags; null if ConnectCallback returned another stream.</summary>
    public EndPoint? LocalEndPoint => (_stream as NetworkStream)?.Socket.LocalEndPoint;

    public EndPoint? RemoteEndPoint => (_stream as NetworkStream)?.Socket.RemoteEndPoint;

    /// <summary>Connects to the first endpoint that answers on any of its addresses (RFC 8305). Names are resolved for each attempt.</summary>
    /// <exception cref="SocketException">No endpoint answers.</exception>
    public static Task<SocketPipes> ConnectAsync(IReadOnlyList<DnsEndPoint> endpoints, ClientSettings settings, CancellationToken cancellationToken) =>
        AddressRace.RunAsync(endpoints, (endpoint, token) => ConnectOneAsync(endpoint, settings, token), settings.TimeProvider, cancellationToken);

    public void Dispose() => _stream.Dispose();

    public async ValueTask DisposeAsync()
    {
        // The stream is disposed first: it ends pending reads and writes, and completing the writer cannot flush any more.
        await _stream.DisposeAsync().ConfigureAwait(false);
        await _pipes.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task<SocketPipes> ConnectOneAsync(DnsEndPoint endpoint, ClientSettings settings, CancellationToken cancellationToken)
    {
        if (settings.ConnectCallback is { } connect)
        {
            return new SocketPipes(await connect(endpoint, cancellationToken).ConfigureAwait(false) ?? throw new InvalidOperationException("ConnectCallback returned null."), endpoint, settings.KeepAlive);
        }

        IPAddress[] addresses = IPAddress.TryParse(endpoint.Host, out IPAddress? address)
            ? [address]
            : await Dns.GetHostAddressesAsync(endpoint.Host, cancellationToken).ConfigureAwait(false);
        if (addresses.Length == 0)
        {
            throw new SocketException((int)SocketError.HostNotFound);
        }

        IPEndPoint[] candidates = [.. AddressRace.Interleave(addresses).Take(AddressRace.MaxAttempts).Select(a => new IPEndPoint(a, endpoint.Port))];
        Socket socket = await AddressRace.ConnectAsync(candidates, settings.TimeProvider, cancellationToken).ConfigureAwait(false);
        return new SocketPipes(new NetworkStream(socket, ownsSocket: true), endpoint, settings.KeepAlive);
    }
}
