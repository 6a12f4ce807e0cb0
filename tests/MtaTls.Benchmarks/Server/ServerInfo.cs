using System.Text.Json.Serialization;

namespace MtaTls.Benchmarks.Server;

/// <summary>The ports of a server, for clients, and the processes whose resources are measured.</summary>
/// <param name="Port">The port to which clients connect (for OpenSSH that of sshd).</param>
/// <param name="AdminPort">The port of plain-text HTTP for <see cref="ServerStatistics"/>, which is not measured.</param>
/// <param name="ProcessIds">The processes of the server. Their children count too.</param>
/// <param name="WebPort">The web server behind a forwarder; the same as <paramref name="Port"/> without one.</param>
/// <param name="SshKeyFile">The client's key, for OpenSSH.</param>
internal sealed record ServerInfo(int Port, int AdminPort, int[] ProcessIds, int WebPort, string? SshKeyFile = null);

/// <summary>The server's own measurement of its memory, and the number of compiled methods. The server is warm when few more are compiled.</summary>
internal sealed record ServerStatistics(long AllocatedBytes, long ManagedBytes, long CompiledMethods);

[JsonSerializable(typeof(ServerInfo))]
[JsonSerializable(typeof(ServerStatistics))]
internal sealed partial class ServerJson : JsonSerializerContext;
