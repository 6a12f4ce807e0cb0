using System.Diagnostics;
using MtaTls.Protocol;

namespace MtaTls;

/// <summary>Formats how a session ended, for metrics, activities and logs of server and client.</summary>
internal static class SessionEnds
{
    /// <summary>The tag's name in metrics and activities.</summary>
    public const string Tag = "mtatls.session.end";

    /// <summary>Returns the end of a session whose <see cref="MtaTlsSession.Completion"/> has ended.</summary>
    public static MtaTlsSessionEnd Of(MtaTlsSession session) => session.End ?? MtaTlsSessionEnd.Aborted;

    /// <summary>Returns the tag's value.</summary>
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

    /// <summary>Whether the connection was lost while no channel was open. No data was lost then, so it does not count as a failure.</summary>
    /// <param name="session">The session.</param>
    /// <param name="failure">The exception of its <see cref="MtaTlsSession.Completion"/>.</param>
    public static bool IsHarmless(MtaTlsSession session, Exception failure) =>
        session.End == MtaTlsSessionEnd.TransportLost && session.GetStatistics().ChannelsLost == 0 && !TcpKeepAlive.IsTimeout(failure);

    /// <summary>Returns the end, and the limit that was exceeded, for logs.</summary>
    public static string Describe(MtaTlsSession session) => session.EndLimit is { } limit ? $"{Of(session)}, {limit}" : Of(session).ToString();

    /// <summary>Tags a measurement.</summary>
    /// <param name="tags">The measurement's tags.</param>
    /// <param name="end">The end.</param>
    /// <param name="error">The value of <c>error.type</c>; null when the session did not fail.</param>
    public static void Add(ref TagList tags, MtaTlsSessionEnd end, string? error)
    {
        tags.Add(Tag, Name(end));
        if (error is not null)
        {
            tags.Add("error.type", error);
        }
    }

    /// <summary>Tags the activity of a session, and sets its status.</summary>
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
