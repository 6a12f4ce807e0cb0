namespace MtaTls.ReverseProxy.Cluster;

/// <summary>A gateway of the cluster that lives: its lease has not ended.</summary>
/// <param name="Name">Its name, <see cref="MtaTlsClusterOptions.Node"/>.</param>
/// <param name="Epoch">Grows with each start of a gateway and after each lease that was lost: what was said of an earlier epoch no longer counts.</param>
/// <param name="Advertise">Where other gateways reach it.</param>
/// <param name="IsDraining">Whether it is about to stop and gets no new requests.</param>
public sealed record MtaTlsNode(string Name, long Epoch, Uri Advertise, bool IsDraining);
