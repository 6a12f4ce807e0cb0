using System.Net;

namespace MtaTls.Client.Sessions;

/// <summary>The order in which endpoints are tried: as the options list them, but endpoints that have sent a go-away come last until they have stopped.</summary>
internal sealed class EndpointOrder(IReadOnlyList<DnsEndPoint> endpoints, TimeProvider time)
{
    /// <summary>The least time for which an endpoint comes last after a go-away. One that stops at once needs time to stop and to restart.</summary>
    private static readonly TimeSpan s_least = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<DnsEndPoint, long> _goingUntil = [];

    public void WentAway(DnsEndPoint endpoint, TimeSpan stopsIn)
    {
        TimeSpan wait = stopsIn > s_least ? stopsIn : s_least;
        lock (_gate)
        {
            _goingUntil[endpoint] = time.GetTimestamp() + (long)(wait.TotalSeconds * time.TimestampFrequency);
        }
    }

    public DnsEndPoint[] Now()
    {
        long now = time.GetTimestamp();
        lock (_gate)
        {
            // OrderBy is stable, so the other endpoints keep their order.
            return [.. endpoints.OrderBy(e => _goingUntil.TryGetValue(e, out long until) && until > now)];
        }
    }
}
