namespace MtaTls.ReverseProxy.Cluster;

/// <summary>A marker service: it is registered if this gateway is one of several. Then <c>MtaTls:Cluster</c> must be complete.</summary>
internal interface IPeersInUse;

/// <inheritdoc/>
internal sealed class PeersInUse : IPeersInUse;
