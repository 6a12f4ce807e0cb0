using System.Diagnostics;
using Microsoft.AspNetCore.Connections;
using MtaTls.AspNetCore.Endpoints;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Diagnostics;

/// <summary>The measurements of one session. Bytes, stalls and refusals are read from its statistics once a second, not counted packet by packet.</summary>
internal sealed class SessionMeter(MtaTlsMetrics metrics, EndpointSettings settings, ConnectionContext connection)
{
    private readonly TagList _tags = MtaTlsMetrics.Tags(settings, connection);
    private readonly Lock _lock = new();
    private MtaTlsSessionStatistics _reported;

    public void SessionStarted() => metrics.SessionStarted(_tags);

    public void SessionEnded(MtaTlsSessionEnd end, string? error, TimeSpan duration) => metrics.SessionEnded(_tags, end, error, duration);

    public void ChannelOpened() => metrics.ChannelOpened(_tags);

    public void ChannelEnded() => metrics.ChannelEnded(_tags);

    public void Draining(int change) => metrics.Draining(change, _tags);

    public void PingAnswered(TimeSpan roundTrip) => metrics.PingAnswered(roundTrip, _tags);

    public void KeepAliveTimeout(string method) => metrics.KeepAliveTimeout(method, _tags);

    public TagList Tags => _tags;

    public void LimitExceeded(string limit, long times = 1) => metrics.LimitExceeded(limit, times, _tags);

    /// <summary>Adds the changes since the last call to the metrics.</summary>
    public void Update(in MtaTlsSessionStatistics now)
    {
        MtaTlsSessionStatistics before;
        lock (_lock)
        {
            before = _reported;
            _reported = now;
        }

        if (now.BytesReceived != before.BytesReceived || now.BytesSent != before.BytesSent)
        {
            metrics.Moved(now.BytesReceived - before.BytesReceived, now.BytesSent - before.BytesSent, _tags);
        }

        if (now.WindowStalls != before.WindowStalls)
        {
            metrics.WindowsStalled(now.WindowStalls - before.WindowStalls, _tags);
        }

        if (now.OpensRefused != before.OpensRefused)
        {
            metrics.Refused(now.OpensRefused - before.OpensRefused, _tags);
        }
    }
}
