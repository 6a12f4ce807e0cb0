namespace MtaTls.QuicTunnel;

/// <summary>Which concentrator has a session.</summary>
/// <param name="Node">Its <see cref="TunnelClusterOptions.Node"/>.</param>
/// <param name="Identity">The SHA-256 hash of the identity of the session's client, in lower-case hexadecimal digits; null for a client without one.</param>
/// <param name="RelayAddress">The <see cref="TunnelRelayOptions.Advertise"/> of the concentrator; null if it is not known.</param>
public sealed record TunnelSessionOwner(string Node, string? Identity, string? RelayAddress = null);
