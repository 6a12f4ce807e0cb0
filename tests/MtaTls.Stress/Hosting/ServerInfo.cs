namespace MtaTls.Stress.Hosting;

/// <summary>The first line that a server says.</summary>
/// <param name="Port">Where it listens, on the loopback.</param>
/// <param name="Root">The certificate to trust.</param>
internal sealed record ServerInfo(int Port, byte[] Root);
