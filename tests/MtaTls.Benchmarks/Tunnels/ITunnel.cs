namespace MtaTls.Benchmarks.Tunnels;

/// <summary>A way from public clients to an app behind NAT, ready to carry requests.</summary>
internal interface ITunnel : IAsyncDisposable
{
    string Title { get; }

    /// <summary>The host that public clients request.</summary>
    string Host { get; }

    /// <summary>The processes of the tunnel and the app, without the clients.</summary>
    IEnumerable<int> ProcessIds { get; }

    /// <summary>Connects a public client.</summary>
    ValueTask<Stream> OpenAsync(CancellationToken ct);
}
