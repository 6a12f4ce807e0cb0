using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
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
    private bool _leaving;
    private long _servedUntil;

    public DialedConnection Connection => connection;

    public MtaTlsSession Session => session;

    /// <summary>Own channels that are open or being opened.</summary>
    public int Channels { get; private set; }

    /// <summary>How many channels fit: the own limit, or the server's as its refusals have shown it.</summary>
    public int Limit { get; private set; } = limits.MaxChannelsPerSession;

    /// <summary>Whether the session takes no more channels where another can: the server goes away, or the session has reached its age.</summary>
    public bool IsLeaving => _leaving;

    /// <summary>Whether the session takes new channels, be it full or not. One whose server is silent does not, until it answers.</summary>
    public bool IsUsable => !_leaving && session.AcceptsChannels && !session.IsSuspected;

    public bool HasRoom => IsUsable && Fits;

    // The session counts a channel until the server has confirmed its end, and those that the server opened.
    private bool Fits => Math.Max(Channels, session.ActiveChannels) < Limit;

    public MtaTlsClientSessionInfo GetInfo() => new()
    {
        SslProtocol = connection.SslProtocol,
        NegotiatedCipherSuite = connection.CipherSuite,
        NegotiatedApplicationProtocol = connection.ApplicationProtocol.IsEmpty ? default : new SslApplicationProtocol(connection.ApplicationProtocol.ToArray()),
        RemoteCertificate = connection.RemoteCertificate is { } certificate ? X509CertificateLoader.LoadCertificate(certificate.RawDataMemory.Span) : null,
        Channels = Channels,
        IsLeaving = _leaving,
    };

    /// <summary>Closes the session when it has had no channel for a while.</summary>
    public ITimer? IdleTimer { get; set; }

    /// <summary>Leaves the session at the end of its age.</summary>
    public ITimer? AgeTimer { get; set; }

    /// <summary>Whether the session is to be left, but the server still serves new channels on it.</summary>
    public bool HasRoomWhileLeaving(TimeProvider time) =>
        _leaving && Fits && session.AcceptsChannels && !session.IsSuspected && time.GetTimestamp() < _servedUntil;

    public void Take()
    {
        Channels++;
        IdleTimer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void GiveBack() => Channels--;

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

    /// <summary>What is open goes on; new channels go elsewhere.</summary>
    /// <param name="servedUntil">The timestamp until which the server serves new channels all the same.</param>
    /// <returns>Whether that is news.</returns>
    public bool Leave(long servedUntil)
    {
        _servedUntil = _leaving ? Math.Min(_servedUntil, servedUntil) : servedUntil;
        bool isNews = !_leaving;
        _leaving = true;
        return isNews;
    }

    /// <summary>A channel was refused for want of room: what is open now, without the refused one, is what fits.</summary>
    public void LearnLimit() => Limit = Math.Max(1, Channels - 1);

    /// <summary>A channel was closed. What was learned may have counted channels that the server had not ended yet, so the limit is tried again step by step.</summary>
    public void ForgetLimit() => Limit = Math.Min(Limit + 1, limits.MaxChannelsPerSession);

    public void DisposeTimers()
    {
        IdleTimer?.Dispose();
        AgeTimer?.Dispose();
    }
}
