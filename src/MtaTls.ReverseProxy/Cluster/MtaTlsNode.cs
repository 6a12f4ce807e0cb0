namespace MtaTls.ReverseProxy.Cluster;

/// <summary>A live gateway of the cluster: its lease has not ended.</summary>
/// <param name="Name">The gateway's name, <see cref="MtaTlsClusterOptions.Node"/>.</param>
/// <param name="Epoch">A number that grows with each start of a gateway and after each lost lease. Agents that were announced with an earlier epoch are no longer valid.</param>
/// <param name="Advertise">The URL at which other gateways reach it, <see cref="MtaTlsClusterOptions.Advertise"/>.</param>
/// <param name="IsDraining">Whether the gateway is about to stop and gets no new requests.</param>
public sealed record MtaTlsNode(string Name, long Epoch, Uri Advertise, bool IsDraining);
