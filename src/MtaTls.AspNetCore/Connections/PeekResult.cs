using MtaTls.Tls;

namespace MtaTls.AspNetCore.Connections;

/// <summary>What the start of a connection has shown.</summary>
/// <param name="Outcome">What is to be done with the connection.</param>
/// <param name="Hello">The ClientHello; null where none was read whole.</param>
internal readonly record struct PeekResult(PeekOutcome Outcome, ClientHelloInfo? Hello);
