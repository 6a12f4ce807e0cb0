using Microsoft.Extensions.Options;

namespace MtaTls.Dashboard.Inspector;

/// <summary>Keeps the last requests of the inspected endpoints.</summary>
internal sealed class RequestRing(IOptions<MtaTlsDashboardOptions> options, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Queue<Recording> _ring = [];
    private long _count;

    public MtaTlsDashboardInspectorOptions Options => options.Value.Inspector;

    public TimeProvider Time => time;

    /// <summary>Keeps a request that has ended.</summary>
    public void Add(Recording recording)
    {
        lock (_lock)
        {
            recording.Number = ++_count;
            _ring.Enqueue(recording);
            while (_ring.Count > Options.MaxRequests)
            {
                _ring.Dequeue();
            }
        }
    }

    public Recording? Find(long number)
    {
        lock (_lock)
        {
            return _ring.FirstOrDefault(r => r.Number == number);
        }
    }

    /// <summary>The requests that contain a text, the newest first.</summary>
    public IReadOnlyList<RequestRow> List(string? text, int most)
    {
        Recording[] all;
        lock (_lock)
        {
            all = [.. _ring];
        }

        return
        [
            .. all.Reverse().Select(static r => r.Head())
                .Where(r => text is null || r.Url.Contains(text, StringComparison.OrdinalIgnoreCase) || r.Method.Equals(text, StringComparison.OrdinalIgnoreCase) || r.Destination?.Contains(text, StringComparison.OrdinalIgnoreCase) == true)
                .Take(most),
        ];
    }
}
