using Microsoft.Extensions.Logging;
using MtaTls.Client.Diagnostics;
using MtaTls.Configuration;
using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

#pragma warning disable CA1001 // A SemaphoreSlim whose wait handle nobody asks for holds nothing to dispose.
/// <summary>One MTA-TLS session of a pool and how many channels it has. All counts change under the pool's lock.</summary>
internal sealed class ClientSession(DialedConnection connection, MtaTlsSession session, LimitValues limits)
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _opening = new(limits.MaxPendingChannels);
    private readonly ExceededLimits _exceeded = new();
    private bool _draining;

    public DialedConnection Connection => connection;

    public MtaTlsSession Session => session;

    /// <summary>Own channels that are open or being opened.</summary>
    public int Channels { get; set; }

    /// <summary>How many channels fit: the own limit, or the server's as its refusals have shown it.</summary>
    public int Limit { get; private set; } = limits.MaxChannelsPerSession;

    // The session counts a channel until the server has confirmed its end, and those that the server opened.
    public bool HasRoom => Math.Max(Channels, session.ActiveChannels) < Limit && !_draining && session.AcceptsChannels;

    /// <summary>Closes the session when it has had no channel for a while.</summary>
    public ITimer? IdleTimer { get; set; }

    /// <summary>Opens a channel. As many wait for the server's answer at a time as this end would let the server wait for: more would be refused.</summary>
    public async ValueTask<MtaTlsChannel> OpenChannelAsync(ChannelAddress source, ChannelAddress destination, CancellationToken cancellationToken)
    {
        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await session.OpenChannelAsync(source, destination, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>Counts and logs which limits the server has exceeded since the last time.</summary>
    public void ReportLimits(ClientSettings settings, ILogger log)
    {
        if (_exceeded.HasNews(session))
        {
            ReportNews(settings, log);
        }
    }

    private void ReportNews(ClientSettings settings, ILogger log) => _exceeded.Report(session, (limit, times, isFirst) =>
    {
        ClientDiagnostics.LimitExceeded(settings, limit, times);
        if (isFirst)
        {
            log.LimitExceeded(settings.Host, settings.Port, limit, ExceededLimits.Answer(limit));
        }
    });

    /// <summary>The server serves what is open and takes no more.</summary>
    public void Drain() => _draining = true;

    /// <summary>A channel was refused for want of room: what is open now, without the refused one, is what fits.</summary>
    public void LearnLimit() => Limit = Math.Max(1, Channels - 1);

    /// <summary>A channel was closed. What was learned may have counted channels that the server had not ended yet, so the limit is tried again step by step.</summary>
    public void ForgetLimit() => Limit = Math.Min(Limit + 1, limits.MaxChannelsPerSession);
}
