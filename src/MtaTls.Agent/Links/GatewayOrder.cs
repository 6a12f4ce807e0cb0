using MtaTls.Client;

namespace MtaTls.Agent.Links;

/// <summary>Decides to which gateway a session connects next, and after which pause.</summary>
internal static class GatewayOrder
{
    /// <summary>Chooses a gateway: first those without another session, then the others. Each session begins at its own position in the list, and takes the next gateway after each failure.</summary>
    /// <param name="gateways">The gateways, the preferred first.</param>
    /// <param name="index">The session's number.</param>
    /// <param name="failures">Failed attempts since the last success.</param>
    /// <param name="isTaken">Whether another session is with a gateway.</param>
    public static Uri Choose(IReadOnlyList<Uri> gateways, int index, int failures, Func<Uri, bool> isTaken)
    {
        Uri[] ordered = [.. Enumerable.Range(index, gateways.Count).Select(i => gateways[i % gateways.Count]).OrderBy(isTaken)];
        return ordered[failures % ordered.Length];
    }

    /// <summary>The pause after a failure. It doubles from the initial to the longest pause. After a final refusal it is the longest pause at once.</summary>
    /// <param name="reconnect">The options.</param>
    /// <param name="failures">Failed attempts since the last success, 1 or more.</param>
    /// <param name="isFinal">Whether the gateway will refuse the next attempt too.</param>
    /// <param name="random">0 to 1: the part of the jitter that is subtracted.</param>
    public static TimeSpan Delay(MtaTlsReconnectOptions reconnect, int failures, bool isFinal, double random)
    {
        TimeSpan delay = isFinal
            ? reconnect.MaxDelay
            : TimeSpan.FromTicks((long)Math.Min(reconnect.MaxDelay.Ticks, reconnect.InitialDelay.Ticks * Math.Pow(2, Math.Min(failures - 1, 30))));
        return Jittered(reconnect, delay, random);
    }

    /// <summary>The pause without its random part.</summary>
    public static TimeSpan Jittered(MtaTlsReconnectOptions reconnect, TimeSpan delay, double random) => delay * (1 - reconnect.Jitter * random);

    /// <summary>Waits before a session leaves a gateway that stops: a random time within the first 40 % of its deadline, so that not all agents arrive at other gateways at once.</summary>
    /// <param name="deadline">The time until the gateway stops, in seconds.</param>
    /// <param name="random">0 to 1: the position within that time.</param>
    /// <param name="backOff">A further pause.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static Task SpreadAsync(double deadline, double random, TimeSpan backOff, TimeProvider time, CancellationToken cancellationToken)
        => Task.Delay(TimeSpan.FromSeconds(Math.Clamp(deadline, 0, 3_600) * 0.4 * random) + backOff, time, cancellationToken);
}
