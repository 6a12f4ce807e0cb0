using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MtaTls.Client.Diagnostics;
using MtaTls.Configuration;
using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

#pragma warning disable CA1001 // A SemaphoreSlim needs no disposal while nothing uses its wait handle.
/// <summary>One MTA-TLS session of a pool, with the count of its channels. Guarded by the pool's lock.</summary>
internal sealed class ClientSession(DialedConnection connection, MtaTlsSession session, ClientSettings settings)
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _opening = new(settings.Limits.MaxPendingChannels);
    private readonly ExceededLimits _exceeded = new();
    private bool _leaving;
    private long _servedUntil;

    public DialedConnection Connection => connection;

    public MtaTlsSession Session => session;

    /// <summary>The endpoint of the session. With several endpoints it is the one that was reached.</summary>
    public DnsEndPoint Endpoint { get; } = connection.Endpoint ?? new DnsEndPoint(settings.Host, settings.Port);

    /// <summary>The channels that this client has open or is opening.</summary>
    public int Channels { get; private set; }

    /// <summary>The most channels: the client's own limit, or the server's limit if its refusals have shown that it is lower.</summary>
    public int Limit { get; private set; } = settings.Limits.MaxChannelsPerSession;

    /// <summary>Whether new channels should use another session, because the server has sent a go-away or the session has reached its age.</summary>
    public bool IsLeaving => _leaving;

    /// <summary>Whether the session takes new channels, full or not. A session whose server does not answer pings takes none until it answers.</summary>
    public bool IsUsable => !_leaving && session.AcceptsChannels && !session.IsSuspected;

    public bool HasRoom => IsUsable && Fits;

    // The session's own count is higher while closes are not confirmed, and it contains the channels that the server opened.
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

    /// <summary>The timer that closes the session when it has had no channel for <see cref="MtaTlsClientOptions.SessionIdleTimeout"/>.</summary>
    public ITimer? IdleTimer { get; set; }

    /// <summary>The timer that replaces the session at <see cref="MtaTlsClientOptions.SessionLifetime"/>.</summary>
    public ITimer? AgeTimer { get; set; }

    /// <summary>Whether the session is draining, but the server still accepts channels on it.</summary>
    public bool HasRoomWhileLeaving(TimeProvider time) =>
        _leaving && Fits && session.AcceptsChannels && !session.IsSuspected && time.GetTimestamp() < _servedUntil;

    public void Take()
    {
        Channels++;
        IdleTimer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void GiveBack() => Channels--;

    /// <summary>Opens a channel. At most MaxPendingChannels opens wait for an answer at a time, because a server with the same limit would refuse more.</summary>
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

    /// <summary>Counts and logs the limits that the server has exceeded since the last call.</summary>
    public void ReportLimits(ILogger log)
    {
        if (_exceeded.HasNews(session))
        {
            ReportExceeded(log);
        }
    }

    private void ReportExceeded(ILogger log) => _exceeded.Report(session, (limit, times, isFirst) =>
    {
        ClientDiagnostics.LimitExceeded(settings, limit, times);
        if (isFirst)
        {
            log.LimitExceeded(Endpoint.Host, Endpoint.Port, limit, ExceededLimits.Answer(limit));
        }
    });

    /// <summary>Begins to drain the session: open channels continue, and new channels use other sessions.</summary>
    /// <param name="servedUntil">The timestamp until which the server still accepts channels.</param>
    /// <returns>Whether the session was not draining before.</returns>
    public bool Leave(long servedUntil)
    {
        _servedUntil = _leaving ? Math.Min(_servedUntil, servedUntil) : servedUntil;
        bool hasBegun = !_leaving;
        _leaving = true;
        return hasBegun;
    }

    /// <summary>Sets <see cref="Limit"/> after a refusal because the session is full: to the number of channels without the refused one.</summary>
    public void LearnLimit() => Limit = Math.Max(1, Channels - 1);

    /// <summary>Raises <see cref="Limit"/> by one after a channel was closed. The server may have counted channels that had not ended yet, so the limit may be too low.</summary>
    public void RaiseLimit() => Limit = Math.Min(Limit + 1, settings.Limits.MaxChannelsPerSession);

    public void DisposeTimers()
    {
        IdleTimer?.Dispose();
        AgeTimer?.Dispose();
    }
}
