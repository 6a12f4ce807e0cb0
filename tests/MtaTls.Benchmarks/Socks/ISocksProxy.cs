namespace MtaTls.Benchmarks.Socks;

/// <summary>A local port that speaks SOCKS5, whose connections go through one encrypted session to a server that connects to the target.</summary>
internal interface ISocksProxy : IAsyncDisposable
{
    string Title { get; }

    int Port { get; }

    /// <summary>The host that programs ask for; the proxy reaches the target by it.</summary>
    string TargetHost { get; }

    /// <summary>The process with the local port.</summary>
    IReadOnlyList<int> LocalProcesses { get; }

    /// <summary>The processes of the server.</summary>
    IReadOnlyList<int> ServerProcesses { get; }
}
