namespace MtaTls.Stress.Hosting;

/// <summary>The first line that a server prints.</summary>
/// <param name="Port">The loopback port on which it listens.</param>
/// <param name="Root">The certificate to trust.</param>
internal sealed record ServerInfo(int Port, byte[] Root);
