namespace MtaTls.Dashboard.Sampling;

/// <summary>What all viewers see of one second. Not changed once it is there.</summary>
/// <param name="Number">1 for the first, and so on.</param>
/// <param name="Time">When it was taken.</param>
/// <param name="Since">Since when rates and counts are taken: when somebody began to watch.</param>
/// <param name="Now">The newest point of the charts.</param>
/// <param name="Sessions">The sessions, in no order.</param>
internal sealed record Sample(long Number, DateTimeOffset Time, DateTimeOffset Since, Point Now, SessionSample[] Sessions);
