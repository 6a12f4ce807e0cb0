namespace MtaTls.AspNetCore;

/// <summary>The present use of a limit.</summary>
/// <param name="Name">The option's name, such as <c>MaxSessions</c> or <c>Tcp:MaxConnections</c>.</param>
/// <param name="Used">The present use. For a limit per session or per address it is the highest use of any one.</param>
/// <param name="Limit">The option's value, in the same unit.</param>
/// <param name="Unit">The unit, such as <c>sessions</c> or <c>bytes</c>.</param>
public sealed record MtaTlsLimitUsage(string Name, long Used, long Limit, string Unit);
