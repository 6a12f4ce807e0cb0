namespace MtaTls.Benchmarks.Tunnels;

/// <summary>A way from public clients to an app behind NAT, ready to carry requests.</summary>
internal interface ITunnel : IAsyncDisposable
{
    string Title { get; }

    /// <summary>The host that public clients ask for.</summary>
    string Host { get; }

    /// <summary>The processes that carry and serve, without the clients.</summary>
    IEnumerable<int> ProcessIds { get; }

    /// <summary>A public client connects.</summary>
    ValueTask<Stream> OpenAsync(CancellationToken ct);
}
