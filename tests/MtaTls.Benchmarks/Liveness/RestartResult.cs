namespace MtaTls.Benchmarks.Liveness;

/// <summary>The result of a rolling restart.</summary>
/// <param name="Samples">The requests that were answered and that failed, for each period.</param>
/// <param name="Stops">When each server began to stop, had stopped, and was up again, in seconds.</param>
/// <param name="Requests">Requests that were answered.</param>
/// <param name="Failed">Requests that failed.</param>
/// <param name="Lost">Requests that were answered although no server has executed them.</param>
/// <param name="Repeated">Requests that were executed more than once.</param>
internal sealed record RestartResult(
    IReadOnlyList<(int Answered, int Failed)> Samples, IReadOnlyList<(double Stopping, double Gone, double Up)> Stops, int Requests, int Failed, int Lost, int Repeated);
