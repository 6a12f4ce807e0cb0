using System.Net;
using System.Net.Security;

namespace MtaTls.Benchmarks.Carriers;

/// <summary>Each stream is a channel of one MTA-TLS session.</summary>
internal sealed class MtaTlsCarrier : ICarrier
{
    public static ValueTask<MtaTlsCarrier> ConnectAsync(IPEndPoint server, SslApplicationProtocol protocol, CancellationToken ct)
    {
        throw new NotSupportedException("soon");
    }

    public ValueTask<Stream> OpenAsync(CancellationToken ct) => throw new NotSupportedException();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
