namespace MtaTls.Benchmarks.Socks;

/// <summary>How much of each work a round of <c>socks</c> does.</summary>
/// <param name="IdleConnections">Connections that are opened, used once and left open.</param>
/// <param name="Duration">How long requests and connections are made.</param>
/// <param name="BulkBytes">The length of the download.</param>
/// <param name="WarmUpPasses">The most passes of the warm-up.</param>
internal sealed record SocksLoad(int IdleConnections, TimeSpan Duration, long BulkBytes, int WarmUpPasses);
