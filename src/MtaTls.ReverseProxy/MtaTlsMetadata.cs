namespace MtaTls.ReverseProxy;

/// <summary>The keys of the metadata that routes, clusters and destinations of YARP's configuration may have.</summary>
public static class MtaTlsMetadata
{
    /// <summary>
    /// On a route: the channel destination that the route is for; requests of other channels, and of no channel, never match it. On a destination of a cluster with the load-balancing
    /// policy <see cref="LoadBalancingPolicy"/>: the channel destination that it serves. Shape: a host with an optional port, <c>app1.internal:80</c>, <c>*.internal</c>, <c>10.0.0.0/8:5432</c>, <c>[::1]:80</c>.
    /// </summary>
    public const string Destination = "MtaTls:Destination";

    /// <summary>On a cluster, where <c>AddMtaTlsHttpClient()</c> is in use: the gateway whose TLS sessions carry every connection to the cluster's destinations, <c>https://gateway.example:8443</c>.</summary>
    public const string Gateway = "MtaTls:Gateway";

    /// <summary>On a cluster with <see cref="Gateway"/>: the name that the gateway's certificate must be for. Default: the gateway's host.</summary>
    public const string TargetHost = "MtaTls:TargetHost";

    /// <summary>
    /// On a destination, where <c>AddMtaTlsAgents()</c> is in use: the name of agents, <c>plant7.internal</c>. Each agent that has registered the name becomes a destination of the cluster.
    /// </summary>
    public const string Agent = "MtaTls:Agent";

    /// <summary>The load-balancing policy that picks the cluster's destination to which the channel is addressed, and the transform that sends its name on: <c>MtaTlsDestination</c>.</summary>
    public const string LoadBalancingPolicy = "MtaTlsDestination";
}
