using System.Net;
using System.Net.Security;
using MtaTls.Benchmarks.Server;
using Nerdbank.Streams;

namespace MtaTls.Benchmarks.Carriers;

/// <summary>Each stream is a channel of one MultiplexingStream over one SslStream.</summary>
internal sealed class NerdbankCarrier : ICarrier
{
    private readonly MultiplexingStream _multiplexer;

    private NerdbankCarrier(MultiplexingStream multiplexer) => _multiplexer = multiplexer;

    public static async ValueTask<NerdbankCarrier> ConnectAsync(IPEndPoint server, CancellationToken ct)
    {
        Stream stream = await new TlsCarrier(server, SslApplicationProtocol.Http11).OpenAsync(ct);
        return new(await MultiplexingStream.CreateAsync(stream, NerdbankMiddleware.CreateOptions(), ct));
    }

    public async ValueTask<Stream> OpenAsync(CancellationToken ct) =>
        (await _multiplexer.OfferChannelAsync(NerdbankMiddleware.ChannelName, ct)).AsStream();

    public ValueTask DisposeAsync() => _multiplexer.DisposeAsync();
}
