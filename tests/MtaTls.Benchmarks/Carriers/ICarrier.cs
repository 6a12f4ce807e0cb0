namespace MtaTls.Benchmarks.Carriers;

/// <summary>How a client gets a byte stream to the server's HTTP layer.</summary>
internal interface ICarrier : IAsyncDisposable
{
    ValueTask<Stream> OpenAsync(CancellationToken ct);
}
