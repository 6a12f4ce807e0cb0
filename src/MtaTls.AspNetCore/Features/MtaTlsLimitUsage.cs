namespace MtaTls.AspNetCore;

/// <summary>How much of a limit is used.</summary>
/// <param name="Name">The option's name, such as <c>MaxSessions</c> or <c>Tcp:MaxConnections</c>.</param>
/// <param name="Used">What is used now; of a limit of each session or address, the largest of all.</param>
/// <param name="Limit">The option's value, in the same unit.</param>
/// <param name="Unit">What is counted: <c>sessions</c>, <c>bytes</c>, for example.</param>
public sealed record MtaTlsLimitUsage(string Name, long Used, long Limit, string Unit);
