namespace MtaTls.Benchmarks.Socks;

/// <summary>The sizes of the workloads in a round of <c>socks</c>.</summary>
/// <param name="IdleConnections">Connections that are opened, used once and left open.</param>
/// <param name="Duration">How long requests are sent and connections opened.</param>
/// <param name="BulkBytes">The length of the download.</param>
/// <param name="WarmUpPasses">The maximum number of warm-up passes.</param>
internal sealed record SocksLoad(int IdleConnections, TimeSpan Duration, long BulkBytes, int WarmUpPasses);
