namespace MtaTls.Benchmarks.Http;

/// <summary>The benchmark's small HTTP client, with one exchange at a time. It is the same for all carriers of one HTTP version.</summary>
internal interface IRequester : IAsyncDisposable
{
    /// <summary>When the first byte of the latest response arrived (<see cref="System.Diagnostics.Stopwatch.GetTimestamp"/>).</summary>
    long FirstByteAt { get; }

    /// <summary>GETs <paramref name="request"/> and discards the body.</summary>
    /// <param name="request">The encoded request.</param>
    /// <param name="buffer">The buffer for response bodies.</param>
    /// <param name="onBytes">Called with the length of each piece of the body, if not null.</param>
    /// <param name="ct">Cancels the exchange.</param>
    /// <returns>The length of the body.</returns>
    ValueTask<long> GetAsync(EncodedRequest request, Memory<byte> buffer, Action<int>? onBytes, CancellationToken ct);

    /// <summary>POSTs <paramref name="length"/> bytes, which repeat the content of <paramref name="buffer"/>.</summary>
    ValueTask PostAsync(EncodedRequest request, long length, ReadOnlyMemory<byte> buffer, CancellationToken ct);
}
