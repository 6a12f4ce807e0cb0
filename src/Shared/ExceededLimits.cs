using MtaTls.Protocol;

namespace MtaTls;

/// <summary>Which limits of a session were exceeded since the last look. It is looked at from time to time, so that a peer that exceeds one a million times causes no more than a look does.</summary>
internal sealed class ExceededLimits
{
    private static readonly int s_count = Enum.GetValues<MtaTlsSessionLimit>().Length;

    private readonly Lock _lock = new();
    private long _seen;
    private long[]? _reported;

    /// <summary>What a limit's answer was, for the log.</summary>
    public static string Answer(MtaTlsSessionLimit limit) => limit switch
    {
        MtaTlsSessionLimit.MaxChannelsPerSession or MtaTlsSessionLimit.MaxPendingChannels or MtaTlsSessionLimit.MaxOpensPerSecond => "opens are refused",
        MtaTlsSessionLimit.MaxSignalsPerSecond => "pings and go-aways are refused",
        MtaTlsSessionLimit.OpenTimeout => "opens fail",
        MtaTlsSessionLimit.MinPeerPacketLength => "opens are refused and channels closed",
        MtaTlsSessionLimit.MaxPacketLength or MtaTlsSessionLimit.MaxWindowSize or MtaTlsSessionLimit.ChannelWriteStallTimeout => "channels are closed",
        MtaTlsSessionLimit.SessionReceiveBudget => "windows wait for others to be read",
        MtaTlsSessionLimit.ReceiveBudget or MtaTlsSessionLimit.ParentReceiveBudget => "windows wait for others to be read, and opens are refused",
        MtaTlsSessionLimit.SessionSendBudget or MtaTlsSessionLimit.SendBudget or MtaTlsSessionLimit.ParentSendBudget => "writers wait, and channels that cannot send are closed",
        MtaTlsSessionLimit.CloseLingerTimeout => "what closed channels had to send is discarded",
        _ => "the session is ended",
    };

    /// <summary>Whether there is anything to report: what costs nothing to ask.</summary>
    public bool HasNews(MtaTlsSession session) => session.LimitsExceeded != Volatile.Read(ref _seen);

    /// <param name="session">The session.</param>
    /// <param name="report">Is told the limit, how often it was exceeded since the last time, and whether that was never before.</param>
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
