namespace MtaTls.Benchmarks.Carriers;

/// <summary>Opens byte streams to the server's HTTP layer.</summary>
internal interface ICarrier : IAsyncDisposable
{
    ValueTask<Stream> OpenAsync(CancellationToken ct);
}
