using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace MtaTls.Dashboard.Sampling;

/// <summary>Adds up the measurements of the packages' own meters while a browser watches. Nothing is measured twice, and without a browser there is no listener.</summary>
internal sealed class MeterReader(IMeterFactory factory) : IDisposable
{
    /// <summary>The most series of one instrument. Further ones are added up as "(others)".</summary>
    private const int MaxSeries = 64;

    private const string Others = "(others)";

    // The tag that divides an instrument's measurements into series; empty: they are one series.
    private static readonly Dictionary<string, string> s_instruments = new(StringComparer.Ordinal)
    {
        [Opened] = "",
        [Refused] = "",
        [Io] = "network.io.direction",
        [LimitsExceeded] = "mtatls.limit",
        [Handshakes] = "error.type",
        [SessionEnds] = "mtatls.session.end",
        [WindowStalls] = "",
        [AgentOpens] = "error.type",
        [AgentUnserved] = "error.type",
        [AgentRetried] = "",
        [TunnelIo] = "direction",
        [TunnelDrops] = "reason",
    };

    private readonly ConcurrentDictionary<string, Series> _series = new(StringComparer.Ordinal);
    private MeterListener? _listener;

    public const string Opened = "mtatls.server.channels.opened";
    public const string Refused = "mtatls.server.channels.refused";
    public const string Io = "mtatls.server.io";
    public const string LimitsExceeded = "mtatls.server.limits.exceeded";
    public const string Handshakes = "mtatls.server.handshake.duration";
    public const string SessionEnds = "mtatls.server.session.duration";
    public const string WindowStalls = "mtatls.server.window_stalls";
    public const string AgentOpens = "mtatls.agents.opens";
    public const string AgentUnserved = "mtatls.agents.unserved_requests";
    public const string AgentRetried = "mtatls.agents.requests.retried";
    public const string TunnelIo = "mtatls.quic_tunnel.io";
    public const string TunnelDrops = "mtatls.quic_tunnel.dropped_packets";

    /// <summary>Starts to listen. All counts begin at zero.</summary>
    public void Start()
    {
        _series.Clear();
        MeterListener listener = new()
        {
            InstrumentPublished = (instrument, self) =>
            {
                // A process can have several hosts, each with its own factory.
                if (instrument.Meter.Name.StartsWith("MtaTls.", StringComparison.Ordinal) && ReferenceEquals(instrument.Meter.Scope, factory) && s_instruments.TryGetValue(instrument.Name, out string? tag))
                {
                    self.EnableMeasurementEvents(instrument, new Source(_series.GetOrAdd(instrument.Name, static _ => new Series()), tag, instrument.IsObservable));
                }
            },
        };
        listener.SetMeasurementEventCallback<long>(static (_, value, tags, state) => ((Source)state!).Add(value, tags));
        listener.SetMeasurementEventCallback<double>(static (_, _, tags, state) => ((Source)state!).Add(1, tags));
        listener.Start();
        _listener = listener;
    }

    public void Stop()
    {
        _listener?.Dispose();
        _listener = null;
    }

    /// <summary>Reads the observable instruments.</summary>
    public void Observe()
    {
        foreach (Series series in _series.Values)
        {
            series.ForgetObserved();
        }

        _listener?.RecordObservableInstruments();
    }

    /// <summary>The sum of an instrument's series.</summary>
    public long Sum(string instrument) => _series.GetValueOrDefault(instrument)?.Sum() ?? 0;

    public long Get(string instrument, string series) => _series.GetValueOrDefault(instrument)?.Get(series) ?? 0;

    /// <summary>The series of an instrument that are not zero, the largest first. The series without the tag has the name "".</summary>
    public IReadOnlyList<Count> List(string instrument) => _series.GetValueOrDefault(instrument)?.List() ?? [];

    public void Dispose() => Stop();

    private sealed class Series
    {
        private readonly ConcurrentDictionary<string, StrongBox<long>> _values = new(StringComparer.Ordinal);

        public bool IsObserved { get; set; }

        public void Add(string key, long value)
        {
            if (!_values.TryGetValue(key, out StrongBox<long>? box))
            {
                box = _values.GetOrAdd(_values.Count < MaxSeries ? key : Others, static _ => new StrongBox<long>());
            }

            Interlocked.Add(ref box.Value, value);
        }

        public void ForgetObserved()
        {
            if (IsObserved)
            {
                _values.Clear();
            }
        }

        public long Sum()
        {
            long sum = 0;
            foreach ((string _, StrongBox<long> box) in _values)
            {
                sum += Volatile.Read(ref box.Value);
            }

            return sum;
        }

        public long Get(string key) => _values.TryGetValue(key, out StrongBox<long>? box) ? Volatile.Read(ref box.Value) : 0;

        public IReadOnlyList<Count> List() => [.. _values.Select(static v => new Count(v.Key, Volatile.Read(ref v.Value.Value))).Where(static c => c.Value > 0).OrderByDescending(static c => c.Value)];
    }

    private sealed class Source
    {
        private readonly Series _series;
        private readonly string _tag;

        public Source(Series series, string tag, bool isObserved)
        {
            _series = series;
            _tag = tag;
            series.IsObserved |= isObserved;
        }

        public void Add(long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string key = "";
            if (_tag.Length > 0)
            {
                foreach (KeyValuePair<string, object?> tag in tags)
                {
                    if (tag.Key == _tag)
                    {
                        key = tag.Value as string ?? tag.Value?.ToString() ?? "";
                        break;
                    }
                }
            }

            _series.Add(key, value);
        }
    }
}
