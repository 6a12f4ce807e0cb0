namespace MtaTls.Benchmarks.Liveness;

/// <summary>What a rolling restart has shown.</summary>
/// <param name="Samples">Requests that were answered and that failed, in each part of the time.</param>
/// <param name="Stops">When each server began to stop, was gone, and was up again, in seconds.</param>
/// <param name="Requests">Requests that were answered.</param>
/// <param name="Failed">Requests that failed.</param>
/// <param name="Lost">Requests that were answered, but that no server has executed.</param>
/// <param name="Repeated">Requests that were executed more than once.</param>
internal sealed record RestartResult(
    IReadOnlyList<(int Answered, int Failed)> Samples, IReadOnlyList<(double Stopping, double Gone, double Up)> Stops, int Requests, int Failed, int Lost, int Repeated);
