using System.Text.Json.Serialization;

namespace MtaTls.Benchmarks.Server;

/// <summary>What a client needs to reach a server process, and what belongs to the server's side of the bill.</summary>
/// <param name="Port">Where clients connect (for OpenSSH: sshd's port).</param>
/// <param name="AdminPort">Plain-text HTTP for <see cref="ServerStatistics"/>, outside of what is measured.</param>
/// <param name="ProcessIds">Every process that works for the server; their children count too.</param>
/// <param name="WebPort">The web server behind a forwarder; the same as <paramref name="Port"/> without one.</param>
/// <param name="SshKeyFile">The client's key, for OpenSSH.</param>
internal sealed record ServerInfo(int Port, int AdminPort, int[] ProcessIds, int WebPort, string? SshKeyFile = null);

/// <summary>The server's own account of its memory, and how many methods were compiled: it is warm when these are few.</summary>
internal sealed record ServerStatistics(long AllocatedBytes, long ManagedBytes, long CompiledMethods);

[JsonSerializable(typeof(ServerInfo))]
[JsonSerializable(typeof(ServerStatistics))]
internal sealed partial class ServerJson : JsonSerializerContext;
