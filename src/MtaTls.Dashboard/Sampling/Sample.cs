namespace MtaTls.Dashboard.Sampling;

/// <summary>The data of one second, which all viewers share. It does not change.</summary>
/// <param name="Number">1 for the first, and so on.</param>
/// <param name="Time">When it was taken.</param>
/// <param name="Since">The time from which counts are taken: when the first browser began to watch.</param>
/// <param name="Now">The newest point of the charts.</param>
/// <param name="Sessions">The sessions, not sorted. Empty if no viewer shows sessions.</param>
internal sealed record Sample(long Number, DateTimeOffset Time, DateTimeOffset Since, Point Now, SessionSample[] Sessions);
