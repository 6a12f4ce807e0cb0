using System.Diagnostics;
using MtaTls.Protocol;

namespace MtaTls;

/// <summary>How a session ended, as metrics, activities and logs of server and client show it.</summary>
internal static class SessionEnds
{
    /// <summary>The tag of durations and activities.</summary>
    public const string Tag = "mtatls.session.end";

    /// <summary>The end of a session whose task has ended.</summary>
    public static MtaTlsSessionEnd Of(MtaTlsSession session) => session.End ?? MtaTlsSessionEnd.Aborted;

    /// <summary>The value of the tag.</summary>
    public static string Name(MtaTlsSessionEnd end) => end switch
    {
        MtaTlsSessionEnd.PeerClosed => "peer_closed",
        MtaTlsSessionEnd.Shutdown => "shutdown",
        MtaTlsSessionEnd.Idle => "idle",
        MtaTlsSessionEnd.ProtocolError => "protocol_error",
        MtaTlsSessionEnd.LimitExceeded => "limit_exceeded",
        MtaTlsSessionEnd.TransportLost => "transport_lost",
        _ => "aborted",
    };

    /// <summary>Whether a connection was lost while no channel was open: nothing was under way, so that is no failure.</summary>
    /// <param name="session">The session.</param>
    /// <param name="failure">What its task has ended with.</param>
    public static bool IsHarmless(MtaTlsSession session, Exception failure) =>
        session.End == MtaTlsSessionEnd.TransportLost && session.GetStatistics().ChannelsLost == 0 && !TcpKeepAlive.IsTimeout(failure);

    /// <summary>For logs: the end, and the limit that was exceeded.</summary>
    public static string Describe(MtaTlsSession session) => session.EndLimit is { } limit ? $"{Of(session)}, {limit}" : Of(session).ToString();

    /// <summary>Tags a measurement.</summary>
    /// <param name="tags">The measurement's tags.</param>
    /// <param name="end">The end.</param>
    /// <param name="error">What <c>error.type</c> says of a failure; null where it was none.</param>
    public static void Add(ref TagList tags, MtaTlsSessionEnd end, string? error)
    {
        tags.Add(Tag, Name(end));
        if (error is not null)
        {
            tags.Add("error.type", error);
        }
    }

    /// <summary>Tags the activity of a session, and gives it the status of its end.</summary>
    public static void Add(Activity activity, MtaTlsSession session, string? error)
    {
        MtaTlsSessionEnd end = Of(session);
        activity.SetTag(Tag, Name(end));
        if (session.EndLimit is { } limit)
        {
            activity.SetTag("mtatls.limit", limit.ToString());
        }

        if (error is not null)
        {
            activity.SetTag("error.type", error);
            activity.SetStatus(ActivityStatusCode.Error);
        }
    }
}
