using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;
using MtaTls.AspNetCore.Endpoints;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Diagnostics;

/// <summary>The meter <c>MtaTls.AspNetCore</c>. It counts the handshakes of MTA-TLS, which Kestrel's own metrics do not contain.</summary>
internal sealed class MtaTlsMetrics
{
    public const string MeterName = "MtaTls.AspNetCore";

    private readonly UpDownCounter<long> _activeSessions;
    private readonly UpDownCounter<long> _activeChannels;
    private readonly Counter<long> _opened;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _io;
    private readonly Counter<long> _windowStalls;
    private readonly Counter<long> _limits;
    private readonly UpDownCounter<long> _draining;
    private readonly Histogram<double> _pings;
    private readonly Counter<long> _keepAliveTimeouts;
    private readonly Counter<long> _proxyHeaders;
    private readonly Counter<double> _identityDelays;
    private readonly Histogram<double> _handshakes;
    private readonly Histogram<double> _sessions;
    private int _sessionCount;
    private int _channelCount;

    public MtaTlsMetrics(IMeterFactory meters)
    {
        Meter meter = CreateMeter(meters);
        _activeSessions = meter.CreateUpDownCounter<long>("mtatls.server.active_sessions", "{session}", "MTA-TLS sessions that are open.");
        _sessions = meter.CreateHistogram<double>("mtatls.server.session.duration", "s", "The duration of MTA-TLS sessions.", advice: LongBuckets);
        _handshakes = meter.CreateHistogram<double>("mtatls.server.handshake.duration", "s", "The duration of TLS handshakes of MTA-TLS, from the connection's start.", advice: ShortBuckets);
        _activeChannels = meter.CreateUpDownCounter<long>("mtatls.server.active_channels", "{channel}", "Open channels that clients opened.");
        _opened = meter.CreateCounter<long>("mtatls.server.channels.opened", "{channel}", "Channels that clients opened.");
        _refused = meter.CreateCounter<long>("mtatls.server.channels.refused", "{channel}", "Opens of clients that were refused.");
        _io = meter.CreateCounter<long>("mtatls.server.io", "By", "Channel data received and sent; updated once a second and at the end of a session.");
        _limits = meter.CreateCounter<long>("mtatls.server.limits.exceeded", "{event}", "How often a limit was exceeded, by the name of its option.");
        _draining = meter.CreateUpDownCounter<long>("mtatls.server.draining_sessions", "{session}", "Open sessions on which either end has sent a go-away.");
        _pings = meter.CreateHistogram<double>("mtatls.server.ping.duration", "s", "The round trip of a ping to a client.", advice: ShortBuckets);
        _keepAliveTimeouts = meter.CreateCounter<long>("mtatls.server.keep_alive.timeouts", "{timeout}", "Sessions that ended because the client no longer answered, by the method that found it (ping or tcp).");
        _proxyHeaders = meter.CreateCounter<long>("mtatls.server.proxy_protocol.headers", "{header}", "PROXY protocol headers of load balancers, by command or by error.");
        _identityDelays = meter.CreateCounter<double>("mtatls.server.identity.delays", "s", "Time that channels waited because of the bandwidth limit of their client's identity.");
        _windowStalls = meter.CreateCounter<long>("mtatls.server.window_stalls", "{stall}", "How often a channel had data to send and no window left.");
    }

    public int ActiveSessions => Volatile.Read(ref _sessionCount);

    public int ActiveChannels => Volatile.Read(ref _channelCount);

    private static InstrumentAdvice<double> ShortBuckets => new() { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] };

    private static InstrumentAdvice<double> LongBuckets => new() { HistogramBucketBoundaries = [0.1, 1, 10, 60, 300, 1800, 3600, 14_400, 86_400] };

    public static Meter CreateMeter(IMeterFactory meters) => meters.Create(new MeterOptions(MeterName) { Version = LibraryVersion.Value });

    /// <summary>The tags of all measurements of a session.</summary>
    public static TagList Tags(EndpointSettings settings, ConnectionContext connection) => Tags(settings.Name, connection);

    /// <param name="endpoint">The endpoint's name; null if it has none.</param>
    /// <param name="connection">The TCP connection.</param>
    public static TagList Tags(string? endpoint, ConnectionContext connection)
    {
        TagList tags = default;
        if (endpoint is not null)
        {
            tags.Add("mtatls.endpoint", endpoint);
        }

        switch (connection.LocalEndPoint)
        {
            case IPEndPoint ip:
                tags.Add("server.address", ip.Address.ToString());
                tags.Add("server.port", ip.Port);
                break;
            case { } other:
                tags.Add("server.address", other.ToString());
                break;
        }

        if (NetworkTags.Transport(connection.LocalEndPoint) is { } transport)
        {
            tags.Add("network.transport", transport);
        }

        if (NetworkTags.Type(connection.LocalEndPoint) is { } type)
        {
            tags.Add("network.type", type);
        }

        return tags;
    }

    public void HandshakeCompleted(EndpointSettings settings, ConnectionContext connection, SslProtocols protocol, TimeSpan duration)
    {
        if (_handshakes.Enabled)
        {
            TagList tags = Tags(settings, connection);
            tags.Add("tls.protocol.version", TlsVersion.Name(protocol));
            _handshakes.Record(duration.TotalSeconds, tags);
        }
    }

    public void HandshakeFailed(EndpointSettings settings, ConnectionContext connection, string reason, TimeSpan duration)
    {
        if (_handshakes.Enabled)
        {
            TagList tags = Tags(settings, connection);
            tags.Add("error.type", reason);
            _handshakes.Record(duration.TotalSeconds, tags);
        }
    }

    public void SessionStarted(in TagList tags)
    {
        Interlocked.Increment(ref _sessionCount);
        _activeSessions.Add(1, tags);
    }

    public void SessionEnded(TagList tags, MtaTlsSessionEnd end, string? error, TimeSpan duration)
    {
        Interlocked.Decrement(ref _sessionCount);
        _activeSessions.Add(-1, tags);
        SessionEnds.Add(ref tags, end, error);
        _sessions.Record(duration.TotalSeconds, tags);
    }

    public void ChannelOpened(in TagList tags)
    {
        Interlocked.Increment(ref _channelCount);
        _activeChannels.Add(1, tags);
        _opened.Add(1, tags);
    }

    public void ChannelEnded(in TagList tags)
    {
        Interlocked.Decrement(ref _channelCount);
        _activeChannels.Add(-1, tags);
    }

    public void Refused(long count, in TagList tags) => _refused.Add(count, tags);

    public void WindowsStalled(long count, in TagList tags) => _windowStalls.Add(count, tags);

    public void LimitExceeded(string limit, long times, TagList tags)
    {
        tags.Add("mtatls.limit", limit);
        _limits.Add(times, tags);
    }

    public void ProxyHeaderRead(TagList tags, bool isLocal)
    {
        tags.Add("mtatls.proxy_protocol.command", isLocal ? "local" : "proxy");
        _proxyHeaders.Add(1, tags);
    }

    public void ProxyHeaderRefused(TagList tags, string error)
    {
        tags.Add("error.type", error);
        _proxyHeaders.Add(1, tags);
    }

    /// <param name="duration">The time that a channel waits.</param>
    /// <param name="received">True for data from the client, false for data to it.</param>
    /// <param name="rule">The rule's name.</param>
    public void IdentityDelayed(TimeSpan duration, bool received, string rule)
        => _identityDelays.Add(duration.TotalSeconds, new KeyValuePair<string, object?>("mtatls.identity_rule", rule), new("network.io.direction", received ? "receive" : "transmit"));

    public void Draining(int change, in TagList tags) => _draining.Add(change, tags);

    public void PingAnswered(TimeSpan roundTrip, in TagList tags) => _pings.Record(roundTrip.TotalSeconds, tags);

    public void KeepAliveTimeout(string method, TagList tags)
    {
        tags.Add("mtatls.keep_alive.method", method);
        _keepAliveTimeouts.Add(1, tags);
    }

    public void Moved(long received, long sent, TagList tags)
    {
        if (!_io.Enabled)
        {
            return;
        }

        TagList receive = tags, transmit = tags;
        receive.Add("network.io.direction", "receive");
        transmit.Add("network.io.direction", "transmit");
        _io.Add(received, receive);
        _io.Add(sent, transmit);
    }
}
