using System.Collections.Concurrent;
using System.Net.Security;

namespace MtaTls.Client.Http;

/// <summary>Streams for one application protocol that wait for their next channel: as many are made as connections were opened at the same instant.</summary>
internal sealed class ChannelSslStreamPool(SslApplicationProtocol protocol)
{
    // Those above it are left to the garbage collector.
    private const int Capacity = 32;

    private readonly ConcurrentBag<ChannelSslStream> _free = [];
    private int _made;

    public static ChannelSslStreamPool Http11 { get; } = new(SslApplicationProtocol.Http11);

    public static ChannelSslStreamPool Http2 { get; } = new(SslApplicationProtocol.Http2);

    /// <summary>How many were made so far: the handshakes in memory.</summary>
    public int Made => Volatile.Read(ref _made);

    public async ValueTask<ChannelSslStream> RentAsync()
    {
        if (_free.TryTake(out ChannelSslStream? stream))
        {
            return stream;
        }

        Interlocked.Increment(ref _made);
        return await ChannelSslStream.CreateAsync(protocol, this).ConfigureAwait(false);
    }

    public void Return(ChannelSslStream stream)
    {
        if (_free.Count < Capacity)
        {
            _free.Add(stream);
        }
    }
}
