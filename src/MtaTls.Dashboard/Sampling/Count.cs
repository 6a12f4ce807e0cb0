namespace MtaTls.Dashboard.Sampling;

/// <summary>How often something has happened since the first browser began to watch.</summary>
/// <param name="Name">What has happened: the name of a limit, or the kind of an error.</param>
/// <param name="Value">How often it has happened.</param>
internal sealed record Count(string Name, long Value);
