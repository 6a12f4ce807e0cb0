using MtaTls.Client;

namespace MtaTls.Agent.Links;

/// <summary>Which gateway a session goes to next, and when.</summary>
internal static class GatewayOrder
{
    /// <summary>The gateways that no other session has, then the others, each from the session's own place on; after a failure the next one.</summary>
    /// <param name="gateways">The gateways, the preferred first.</param>
    /// <param name="index">The session's number.</param>
    /// <param name="failures">Failed attempts since the last success.</param>
    /// <param name="isTaken">Whether another session has a gateway.</param>
    public static Uri Choose(IReadOnlyList<Uri> gateways, int index, int failures, Func<Uri, bool> isTaken)
    {
        Uri[] ordered = [.. Enumerable.Range(index, gateways.Count).Select(i => gateways[i % gateways.Count]).OrderBy(isTaken)];
        return ordered[failures % ordered.Length];
    }

    /// <summary>The pause after a failure: it doubles from the first to the longest. A refusal that will be repeated waits the longest at once.</summary>
    /// <param name="reconnect">The options.</param>
    /// <param name="failures">Failed attempts since the last success, 1 or more.</param>
    /// <param name="isFinal">Whether the gateway will say the same again.</param>
    /// <param name="random">0 to 1: how much of the jitter is taken off.</param>
    public static TimeSpan Delay(MtaTlsReconnectOptions reconnect, int failures, bool isFinal, double random)
    {
        TimeSpan delay = isFinal
            ? reconnect.MaxDelay
            : TimeSpan.FromTicks((long)Math.Min(reconnect.MaxDelay.Ticks, reconnect.InitialDelay.Ticks * Math.Pow(2, Math.Min(failures - 1, 30))));
        return Jittered(reconnect, delay, random);
    }

    /// <summary>A pause less its random part.</summary>
    public static TimeSpan Jittered(MtaTlsReconnectOptions reconnect, TimeSpan delay, double random) => delay * (1 - reconnect.Jitter * random);

    /// <summary>Waits before a session leaves a gateway that stops: a random part of the first 40 % of its deadline, so that agents do not all come elsewhere at once.</summary>
    /// <param name="deadline">The time that the gateway has, in seconds.</param>
    /// <param name="random">0 to 1: the place in that part.</param>
    /// <param name="backOff">A further pause.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static Task SpreadAsync(double deadline, double random, TimeSpan backOff, TimeProvider time, CancellationToken cancellationToken)
        => Task.Delay(TimeSpan.FromSeconds(Math.Clamp(deadline, 0, 3_600) * 0.4 * random) + backOff, time, cancellationToken);
}
