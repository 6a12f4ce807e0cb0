using MtaTls.Protocol;

namespace MtaTls;

/// <summary>Finds the limits of a session that were exceeded since the last report. Reports are periodic, so a peer that exceeds a limit a million times causes no more log entries than one that exceeds it once.</summary>
internal sealed class ExceededLimits
{
    private static readonly int s_count = Enum.GetValues<MtaTlsSessionLimit>().Length;

    private readonly Lock _lock = new();
    private long _seen;
    private long[]? _reported;

    /// <summary>Returns the consequence of an exceeded limit, for the log.</summary>
    public static string Answer(MtaTlsSessionLimit limit) => limit switch
    {
        MtaTlsSessionLimit.MaxChannelsPerSession or MtaTlsSessionLimit.MaxPendingChannels or MtaTlsSessionLimit.MaxOpensPerSecond => "opens are refused",
        MtaTlsSessionLimit.MaxSignalsPerSecond => "pings and go-aways are refused",
        MtaTlsSessionLimit.OpenTimeout => "opens fail",
        MtaTlsSessionLimit.MinPeerPacketLength => "opens are refused and channels closed",
        MtaTlsSessionLimit.MaxPacketLength or MtaTlsSessionLimit.MaxWindowSize or MtaTlsSessionLimit.ChannelWriteStallTimeout => "channels are closed",
        MtaTlsSessionLimit.SessionReceiveBudget => "channels wait for window until other data is read",
        MtaTlsSessionLimit.ReceiveBudget or MtaTlsSessionLimit.ParentReceiveBudget => "channels wait for window until other data is read, and opens are refused",
        MtaTlsSessionLimit.SessionSendBudget or MtaTlsSessionLimit.SendBudget or MtaTlsSessionLimit.ParentSendBudget => "writers wait, and channels that cannot send are closed",
        MtaTlsSessionLimit.CloseLingerTimeout => "unsent data of closing channels is discarded",
        _ => "the session is ended",
    };

    /// <summary>Whether a limit was exceeded since the last report. Cheap enough to call often.</summary>
    public bool HasNews(MtaTlsSession session) => session.LimitsExceeded != Volatile.Read(ref _seen);

    /// <summary>Reports each limit that was exceeded since the last report.</summary>
    /// <param name="session">The session.</param>
    /// <param name="report">Called with the limit, how often it was exceeded since the last report, and whether this is its first report.</param>
    public void Report(MtaTlsSession session, Action<MtaTlsSessionLimit, long, bool> report)
    {
        lock (_lock)
        {
            Volatile.Write(ref _seen, session.LimitsExceeded);
            _reported ??= new long[s_count];
            for (int i = 0; i < s_count; i++)
            {
                long now = session.GetTimesExceeded((MtaTlsSessionLimit)i), before = _reported[i];
                if (now > before)
                {
                    _reported[i] = now;
                    report((MtaTlsSessionLimit)i, now - before, before == 0);
                }
            }
        }
    }
}
