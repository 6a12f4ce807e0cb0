namespace ClusterSample;

/// <summary>What a gateway tells of itself.</summary>
/// <param name="Gateways">The gateways that it knows.</param>
/// <param name="Agents">The sessions of agents that it has.</param>
internal sealed record Status(int Gateways, int Agents);
