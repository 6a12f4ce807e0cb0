using System.Diagnostics;
using System.IO.Pipelines;
using System.Security.Cryptography.X509Certificates;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Identities;

/// <summary>A session's part of its client's identity: answers opens above the limits, and gives channels the identity's pace. Disposed with the session.</summary>
internal sealed class SessionIdentity(MtaTlsServer server, ClientIdentity identity, bool hasRoom) : IDisposable
{
    private const string TooManySessions = "Too many sessions of this client";
    private const string TooManyChannels = "Too many channels of this client";
    private const string TooManyOpens = "Too many opens of this client";
    private const string Section = nameof(MtaTlsOptions.IdentityLimits);
    private const string OpensAreRefused = "opens are refused";

    // A session above the limit lives until it was told so: its client's first open, or so long.
    private static readonly TimeSpan s_refusedLifetime = TimeSpan.FromSeconds(5);

    private int _said;
    private Action<TimeSpan, bool>? _delayed;

    /// <summary>Counts a session; null where no rule is for its client.</summary>
    public static SessionIdentity? Enter(MtaTlsServer server, X509Certificate2? certificate)
        => server.Identities.Enter(certificate, out bool hasRoom) is { } identity ? new SessionIdentity(server, identity, hasRoom) : null;

    /// <summary>Called on the session's read loop. Refuses an open that is above a limit.</summary>
    /// <returns>Whether it was refused.</returns>
    public bool TryRefuse(MtaTlsServerSession session, MtaTlsChannelRequest request)
    {
        if (!hasRoom)
        {
            Refuse(session, request, nameof(MtaTlsIdentityLimitOptions.MaxSessions), TooManySessions, "the session is refused every channel and ended", 1);
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

    /// <summary>Counts a channel that is about to be opened; <see cref="LeaveChannel"/> is to follow. Refuses it where another open was faster.</summary>
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

    /// <summary>What the channel is read and written by where the identity's bandwidth is limited; else null, and the channel is its own.</summary>
    public PacedPipe? CreatePipe(IDuplexPipe channel) => identity.HasBandwidth ? new PacedPipe(channel, identity, _delayed ??= OnDelayed) : null;

    /// <summary>Once a second.</summary>
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
        if ((Interlocked.Or(ref _said, bit) & bit) == 0)
        {
            server.SessionLog.IdentityLimitExceeded(session.SessionId, limit, identity.Rule.Name, identity.Id.Key is { Length: > 0 } key ? key : "all", answer);
        }

        request.Refuse(reason);
    }
}
