namespace MtaTls.ReverseProxy;

/// <summary>The metadata keys of this package for routes, clusters and destinations in YARP's configuration.</summary>
public static class MtaTlsMetadata
{
    /// <summary>
    /// On a route: the channel destination that the route is for. Requests of other channels, or without a channel, do not match the route. On a destination of a cluster with the load-balancing policy
    /// <see cref="LoadBalancingPolicy"/>: the channel destination that this destination serves. The value is a host with an optional port: <c>app1.internal:80</c>, <c>*.internal</c>, <c>10.0.0.0/8:5432</c>,
    /// <c>[::1]:80</c>.
    /// </summary>
    public const string Destination = "MtaTls:Destination";

    /// <summary>On a cluster, with <c>AddMtaTlsHttpClient()</c>: the URL of the gateway whose TLS sessions carry all connections to the cluster's destinations, <c>https://gateway.example:8443</c>.</summary>
    public const string Gateway = "MtaTls:Gateway";

    /// <summary>On a cluster with <see cref="Gateway"/>: the name that the gateway's certificate must be for. Default: the gateway's host.</summary>
    public const string TargetHost = "MtaTls:TargetHost";

    /// <summary>
    /// On a destination, with <c>AddMtaTlsAgents()</c>: a name of agents, <c>plant7.internal</c> or <c>plant7.internal:8080</c>. Each agent that has registered the name becomes a destination of the cluster. The
    /// destination's address must begin with <c>http://</c>.
    /// </summary>
    public const string Agent = "MtaTls:Agent";

    /// <summary>
    /// <c>MtaTlsDestination</c>: the load-balancing policy that picks the destination that matches the channel's destination. The transform that passes the channel's destination on has the same name.
    /// </summary>
    public const string LoadBalancingPolicy = "MtaTlsDestination";
}
