using System.Diagnostics;
using System.IO.Pipelines;
using System.Security.Cryptography.X509Certificates;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Identities;

/// <summary>Applies the limits of a client's identity to one session: refuses opens above them and limits the bandwidth of channels. Disposed with the session.</summary>
internal sealed class SessionIdentity(MtaTlsServer server, ClientIdentity identity, bool hasRoom) : IDisposable
{
    private const string TooManySessions = "Too many sessions of this client";
    private const string TooManyChannels = "Too many channels of this client";
    private const string TooManyOpens = "Too many opens of this client";
    private const string Section = nameof(MtaTlsOptions.IdentityLimits);
    private const string OpensAreRefused = "opens are refused";

    // A session above the limit ends with its client's first open, whose refusal gives the reason, or after this time.
    private static readonly TimeSpan s_refusedLifetime = TimeSpan.FromSeconds(5);

    private int _logged; // the limits that this session has logged, one bit each
    private Action<TimeSpan, bool>? _delayed;

    /// <summary>Counts a session; null if no rule matches its client.</summary>
    public static SessionIdentity? Enter(MtaTlsServer server, X509Certificate2? certificate)
        => server.Identities.Enter(certificate, out bool hasRoom) is { } identity ? new SessionIdentity(server, identity, hasRoom) : null;

    /// <summary>Refuses an open that is above a limit. Called on the session's read loop.</summary>
    /// <returns>Whether it was refused.</returns>
    public bool TryRefuse(MtaTlsServerSession session, MtaTlsChannelRequest request)
    {
        if (!hasRoom)
        {
            Refuse(session, request, nameof(MtaTlsIdentityLimitOptions.MaxSessions), TooManySessions, "all opens of the session are refused and it ends", 1);
            session.BeginShutdown();
        }
        else if (!identity.HasRoomForChannel)
        {
            Refuse(session, request, nameof(MtaTlsIdentityLimitOptions.MaxChannels), TooManyChannels, OpensAreRefused, 2);
        }
        else if (!identity.TryOpen())
        {
            Refuse(session, request, nameof(MtaTlsIdentityLimitOptions.MaxOpensPerSecond), TooManyOpens, OpensAreRefused, 4);
        }
        else
        {
            return false;
        }

        return true;
    }

    /// <summary>Counts a channel that is about to be opened; call <see cref="LeaveChannel"/> later. Refuses the channel if a concurrent open has taken the last place.</summary>
    public bool TryEnterChannel(MtaTlsServerSession session, MtaTlsChannelRequest request)
    {
        if (identity.TryEnterChannel())
        {
            return true;
        }

        Refuse(session, request, nameof(MtaTlsIdentityLimitOptions.MaxChannels), TooManyChannels, OpensAreRefused, 2);
        return false;
    }

    public void LeaveChannel() => identity.Channels.Leave();

    /// <summary>Creates the pipe of a channel if the identity has a bandwidth limit; else null, and the channel's own pipe is used.</summary>
    public PacedPipe? CreatePipe(IDuplexPipe channel) => identity.HasBandwidth ? new PacedPipe(channel, identity, _delayed ??= OnDelayed) : null;

    /// <summary>Ends a session above the limit in time. Called once a second.</summary>
    public void Tick(MtaTlsServerSession session)
    {
        if (!hasRoom && server.Time.GetUtcNow() - session.StartedAt >= s_refusedLifetime)
        {
            session.BeginShutdown();
        }
    }

    public void Dispose() => server.Identities.Leave(identity, hasRoom);

    private void OnDelayed(TimeSpan duration, bool received) => server.Metrics.IdentityDelayed(duration, received, identity.Rule.Name);

    private void Refuse(MtaTlsServerSession session, MtaTlsChannelRequest request, string limit, string reason, string answer, int bit)
    {
        limit = $"{Section}:{limit}";
        server.ChannelLog.ChannelRefused(session.SessionId, limit);
        TagList tags = session.Tags;
        tags.Add("mtatls.identity_rule", identity.Rule.Name);
        server.LimitReports.Exceeded(limit, answer, tags);
        if ((Interlocked.Or(ref _logged, bit) & bit) == 0)
        {
            server.SessionLog.IdentityLimitExceeded(session.SessionId, limit, identity.Rule.Name, identity.Id.Key is { Length: > 0 } key ? key : "all", answer);
        }

        request.Refuse(reason);
    }
}
