using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Security.Authentication;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.Client.Diagnostics;

/// <summary>The client's meter and activity source, both named <c>MtaTls.Client</c>.</summary>
internal static class ClientDiagnostics
{
    public const string Name = "MtaTls.Client";

    private static readonly Meter s_meter = new(Name, LibraryVersion.Value);
    private static readonly UpDownCounter<long> s_sessions = s_meter.CreateUpDownCounter<long>("mtatls.client.active_sessions", "{session}", "Open sessions.");
    private static readonly UpDownCounter<long> s_channels = s_meter.CreateUpDownCounter<long>("mtatls.client.active_channels", "{channel}", "Open channels.");
    private static readonly Histogram<double> s_session = s_meter.CreateHistogram<double>("mtatls.client.session.duration", "s", "The duration of sessions.", advice: LongBuckets);
    private static readonly Counter<long> s_refused = s_meter.CreateCounter<long>("mtatls.client.channels.refused", "{channel}", "Opens that the server refused.");
    private static readonly UpDownCounter<long> s_draining = s_meter.CreateUpDownCounter<long>("mtatls.client.draining_sessions", "{session}", "Sessions that take no new channels and wait until their open channels end.");
    private static readonly Histogram<double> s_ping = s_meter.CreateHistogram<double>("mtatls.client.ping.duration", "s", "The round trip of a ping.");
    private static readonly Counter<long> s_keepAliveTimeouts = s_meter.CreateCounter<long>("mtatls.client.keep_alive.timeouts", "{timeout}", "Sessions that ended because the server no longer answered, by the method that found it (ping or tcp).");
    private static readonly Counter<long> s_fallbacks = s_meter.CreateCounter<long>("mtatls.client.fallbacks", "{channel}", "Channels that became separate TLS connections because the server does not speak MTA-TLS.");
    private static readonly Counter<long> s_limits = s_meter.CreateCounter<long>("mtatls.client.limits.exceeded", "{event}", "How often a server exceeded a limit, updated when a channel closes and at the end of a session.");
    private static readonly Counter<long> s_retries = s_meter.CreateCounter<long>("mtatls.client.requests.retried", "{request}", "Requests that were retried because their session was lost.");
    private static readonly Counter<long> s_io = s_meter.CreateCounter<long>("mtatls.client.io", "By", "Channel data, updated when a channel closes.");
    private static readonly Histogram<double> s_handshake = s_meter.CreateHistogram<double>("mtatls.client.connect.duration", "s", "The duration of connecting to an endpoint: TCP and the TLS handshake.");
    private static readonly Histogram<double> s_open = s_meter.CreateHistogram<double>("mtatls.client.channel.open.duration", "s", "The duration of opening a channel, including the time to connect a session if needed.");

    public static ActivitySource ActivitySource { get; } = new(Name, LibraryVersion.Value);

    public static void Handshake(ClientSettings settings, TimeSpan elapsed, TlsConnection? tls, Exception? failure)
    {
        TagList tags = Tags(settings);
        if (tls is not null)
        {
            tags.Add("tls.protocol.version", Version(tls.Protocol));
            tags.Add("mtatls.negotiated", tls.DataMultiplexingNegotiated);
        }
        if (failure is not null)
        {
            tags.Add("error.type", failure.GetType().FullName);
        }

        s_handshake.Record(elapsed.TotalSeconds, tags);
    }

    /// <summary>Counts a session, and starts its activity without making it <see cref="Activity.Current"/>.</summary>
    public static Activity? SessionStarted(ClientSettings settings, TlsConnection? tls)
    {
        s_sessions.Add(1, Tags(settings));
        Activity? before = Activity.Current;
        Activity.Current = null;
        Activity? activity = ActivitySource.StartActivity("mtatls.session", ActivityKind.Client);
        Activity.Current = before;
        activity?.SetTag("server.address", settings.Host);
        activity?.SetTag("server.port", settings.Port);
        if (tls is not null)
        {
            activity?.SetTag("tls.protocol.version", Version(tls.Protocol));
            activity?.SetTag("tls.resumed", tls.SessionResumed);
        }

        return activity;
    }

    public static void SessionEnded(ClientSettings settings, MtaTlsSession session, string? error, in MtaTlsSessionStatistics statistics, TimeSpan duration, Activity? activity)
    {
        s_sessions.Add(-1, Tags(settings));
        TagList tags = Tags(settings);
        SessionEnds.Add(ref tags, SessionEnds.Of(session), error);
        s_session.Record(duration.TotalSeconds, tags);
        if (activity is not null)
        {
            activity.SetTag("mtatls.channels", statistics.TotalChannelsOpened);
            activity.SetTag("mtatls.channels.refused", statistics.OpensRefusedByPeer);
            activity.SetTag("mtatls.bytes_received", statistics.BytesReceived);
            activity.SetTag("mtatls.bytes_sent", statistics.BytesSent);
            SessionEnds.Add(activity, session, error);
            activity.Dispose();
        }
    }

    public static void Draining(ClientSettings settings, int change) => s_draining.Add(change, Tags(settings));

    public static void Ping(ClientSettings settings, TimeSpan roundTrip) => s_ping.Record(roundTrip.TotalSeconds, Tags(settings));

    public static void KeepAliveTimeout(ClientSettings settings, string method)
    {
        TagList tags = Tags(settings);
        tags.Add("mtatls.keep_alive.method", method);
        s_keepAliveTimeouts.Add(1, tags);
    }

    public static void Channels(ClientSettings settings, int change) => s_channels.Add(change, Tags(settings));

    public static void Opened(ClientSettings settings, TimeSpan elapsed) => s_open.Record(elapsed.TotalSeconds, Tags(settings));

    public static void Refused(ClientSettings settings) => s_refused.Add(1, Tags(settings));

    public static void FellBack(ClientSettings settings) => s_fallbacks.Add(1, Tags(settings));

    public static void Io(ClientSettings settings, long received, long sent)
    {
        TagList tags = Tags(settings);
        tags.Add("network.io.direction", "receive");
        s_io.Add(received, tags);
        tags = Tags(settings);
        tags.Add("network.io.direction", "transmit");
        s_io.Add(sent, tags);
    }

    public static void LimitExceeded(ClientSettings settings, MtaTlsSessionLimit limit, long times)
    {
        TagList tags = Tags(settings);
        tags.Add("mtatls.limit", limit.ToString());
        s_limits.Add(times, tags);
    }

    public static void Retried(Uri? uri) => s_retries.Add(1, new TagList { { "server.address", uri?.IdnHost }, { "server.port", uri?.Port } });

    public static string? Version(SslProtocols protocol) => protocol switch
    {
        SslProtocols.Tls12 => "1.2",
        SslProtocols.Tls13 => "1.3",
        _ => null,
    };

    private static InstrumentAdvice<double> LongBuckets => new() { HistogramBucketBoundaries = [0.1, 1, 10, 60, 300, 1800, 3600, 14_400, 86_400] };

    private static TagList Tags(ClientSettings settings) => new() { { "server.address", settings.Host }, { "server.port", settings.Port } };
}
