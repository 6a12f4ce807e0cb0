namespace MtaTls.Benchmarks.Socks;

/// <summary>A local SOCKS5 port. Its connections go through one encrypted session to a server, which connects to the target.</summary>
internal interface ISocksProxy : IAsyncDisposable
{
    string Title { get; }

    int Port { get; }

    /// <summary>The host that programs request, with which the proxy reaches the target.</summary>
    string TargetHost { get; }

    /// <summary>The process with the local port.</summary>
    IReadOnlyList<int> LocalProcesses { get; }

    /// <summary>The processes of the server.</summary>
    IReadOnlyList<int> ServerProcesses { get; }
}
