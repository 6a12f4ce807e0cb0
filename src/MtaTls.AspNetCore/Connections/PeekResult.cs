using MtaTls.Tls;

namespace MtaTls.AspNetCore.Connections;

/// <summary>The result of reading the first bytes of a connection.</summary>
/// <param name="Outcome">The decision about the connection.</param>
/// <param name="Hello">The ClientHello; null if no complete one was read.</param>
internal readonly record struct PeekResult(PeekOutcome Outcome, ClientHelloInfo? Hello);
