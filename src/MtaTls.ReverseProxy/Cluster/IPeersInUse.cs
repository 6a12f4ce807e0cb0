namespace MtaTls.ReverseProxy.Cluster;

/// <summary>Is there where this gateway is one of several, so that <c>MtaTls:Cluster</c> must be complete.</summary>
internal interface IPeersInUse;

/// <inheritdoc/>
internal sealed class PeersInUse : IPeersInUse;
