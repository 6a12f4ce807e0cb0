using System.Collections.Concurrent;
using System.Net.Security;

namespace MtaTls.Client.Http;

/// <summary>A pool of streams for one application protocol. It creates as many as connections are opened at the same moment.</summary>
internal sealed class ChannelSslStreamPool(SslApplicationProtocol protocol)
{
    // The garbage collector frees the streams above it.
    private const int Capacity = 32;

    private readonly ConcurrentBag<ChannelSslStream> _free = [];
    private int _created;

    public static ChannelSslStreamPool Http11 { get; } = new(SslApplicationProtocol.Http11);

    public static ChannelSslStreamPool Http2 { get; } = new(SslApplicationProtocol.Http2);

    /// <summary>The number of streams created so far, each with one in-memory handshake.</summary>
    public int Created => Volatile.Read(ref _created);

    public async ValueTask<ChannelSslStream> RentAsync()
    {
        if (_free.TryTake(out ChannelSslStream? stream))
        {
            return stream;
        }

        Interlocked.Increment(ref _created);
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
