using System.Diagnostics;
using Microsoft.AspNetCore.Connections;
using MtaTls.AspNetCore.Endpoints;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Diagnostics;

/// <summary>
/// The activity source <c>MtaTls.AspNetCore</c>: one activity for each handshake and one for each session. Requests in channels have ASP.NET Core's activities,
/// which are not children of the session's activity because a session can last for days.
/// </summary>
internal static class MtaTlsActivities
{
    public const string SourceName = "MtaTls.AspNetCore";

    private static readonly ActivitySource s_source = new(SourceName, LibraryVersion.Value);

    public static Activity? StartHandshake(ConnectionContext connection, EndpointSettings settings) => Start("mtatls.handshake", connection, settings);

    public static void HandshakeCompleted(Activity? activity, TlsConnection tls)
    {
        if (activity is null)
        {
            return;
        }

        Describe(activity, tls);
        activity.SetTag("tls.cipher", tls.CipherSuite.ToString());
    }

    public static void Failed(Activity? activity, string reason, Exception exception)
    {
        activity?.SetTag("error.type", reason);
        activity?.SetStatus(ActivityStatusCode.Error, exception.Message);
    }

    /// <summary>Starts the session's activity without making it <see cref="Activity.Current"/>.</summary>
    public static Activity? StartSession(ConnectionContext connection, EndpointSettings settings, TlsConnection tls)
    {
        Activity? before = Activity.Current;
        Activity? activity = Start("mtatls.session", connection, settings);
        Activity.Current = before;
        if (activity is not null)
        {
            Describe(activity, tls);
        }

        return activity;
    }

    /// <summary>Adds the event of a go-away, sent or received, to the session's activity.</summary>
    public static void GoAway(Activity? activity, string direction, TimeSpan stopsIn)
        => activity?.AddEvent(new ActivityEvent("mtatls.go_away", tags: new ActivityTagsCollection { ["mtatls.direction"] = direction, ["mtatls.stops_in"] = stopsIn.TotalSeconds }));

    public static void SessionEnded(Activity? activity, MtaTlsSession session, string? error, in MtaTlsSessionStatistics statistics)
    {
        if (activity is null)
        {
            return;
        }

        activity.SetTag("mtatls.channels", statistics.TotalChannelsOpened);
        activity.SetTag("mtatls.channels.refused", statistics.OpensRefused);
        activity.SetTag("mtatls.bytes_received", statistics.BytesReceived);
        activity.SetTag("mtatls.bytes_sent", statistics.BytesSent);
        SessionEnds.Add(activity, session, error);
        activity.Dispose();
    }

    private static Activity? Start(string name, ConnectionContext connection, EndpointSettings settings)
    {
        Activity? activity = s_source.StartActivity(name, ActivityKind.Server);
        if (activity is not null)
        {
            activity.SetTag("mtatls.session_id", connection.ConnectionId);
            NetworkTags.Add(activity, connection.LocalEndPoint, connection.RemoteEndPoint);
            if (settings.Name is not null)
            {
                activity.SetTag("mtatls.endpoint", settings.Name);
            }
        }

        return activity;
    }

    private static void Describe(Activity activity, TlsConnection tls)
    {
        activity.SetTag("tls.protocol.version", TlsVersion.Name(tls.Protocol));
        activity.SetTag("tls.resumed", tls.SessionResumed);
    }
}
