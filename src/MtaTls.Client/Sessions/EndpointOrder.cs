using System.Net;

namespace MtaTls.Client.Sessions;

/// <summary>Which endpoint is tried first: as the options list them, but those that have said that they will stop come last until then.</summary>
internal sealed class EndpointOrder(IReadOnlyList<DnsEndPoint> endpoints, TimeProvider time)
{
    /// <summary>An endpoint that stops at once needs a moment until it is gone, or back.</summary>
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
            // A stable sort: else as listed.
            return [.. endpoints.OrderBy(e => _goingUntil.TryGetValue(e, out long until) && until > now)];
        }
    }
}
