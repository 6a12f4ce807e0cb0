namespace MtaTls.Benchmarks.Http;

/// <summary>One exchange at a time: the benchmark's lean HTTP client, the same over every carrier of one HTTP version.</summary>
internal interface IRequester : IAsyncDisposable
{
    /// <summary>When the first octet of the newest response arrived (<see cref="System.Diagnostics.Stopwatch.GetTimestamp"/>).</summary>
    long FirstByteAt { get; }

    /// <summary>GETs <paramref name="request"/> and discards the body.</summary>
    /// <param name="request">The request, encoded once and for all.</param>
    /// <param name="buffer">Where response bodies are read to.</param>
    /// <param name="onBytes">Told of each piece of the body that arrives, if not null.</param>
    /// <param name="ct">Cancels the exchange.</param>
    /// <returns>The length of the body.</returns>
    ValueTask<long> GetAsync(EncodedRequest request, Memory<byte> buffer, Action<int>? onBytes, CancellationToken ct);

    /// <summary>POSTs <paramref name="length"/> octets of <paramref name="buffer"/>'s content, over and over.</summary>
    ValueTask PostAsync(EncodedRequest request, long length, ReadOnlyMemory<byte> buffer, CancellationToken ct);
}
