namespace ClusterSample;

/// <summary>The status of a gateway.</summary>
/// <param name="Gateways">The number of gateways that it knows.</param>
/// <param name="Agents">The number of sessions of agents with it.</param>
internal sealed record Status(int Gateways, int Agents);
