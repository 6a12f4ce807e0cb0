namespace MtaTls.Dashboard.Sampling;

/// <summary>How often something has happened since the page is watched.</summary>
/// <param name="Name">What: a limit's name, the kind of an error.</param>
/// <param name="Value">How often.</param>
internal sealed record Count(string Name, long Value);
