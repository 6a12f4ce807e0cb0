using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Net.Security;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Connections;

/// <summary>
/// The features of a channel. It has its own id, items, transport, lifetime, heartbeat, completion and metrics tags. Features of the TCP connection alone
/// are hidden: its socket, its place in MaxConcurrentConnections. All others come from the session: TLS, memory pool, Kestrel's metrics.
/// </summary>
internal sealed partial class MtaTlsChannelContext :
    IFeatureCollection,
    IConnectionIdFeature,
    IConnectionItemsFeature,
    IConnectionTransportFeature,
    IConnectionLifetimeFeature,
    IConnectionLifetimeNotificationFeature,
    IConnectionHeartbeatFeature,
    IConnectionCompleteFeature,
    IConnectionMetricsTagsFeature,
    IMtaTlsChannelFeature
{
    private static readonly Type[] s_ownTypes =
    [
        typeof(IConnectionIdFeature), typeof(IConnectionItemsFeature), typeof(IConnectionTransportFeature), typeof(IConnectionLifetimeFeature),
        typeof(IConnectionLifetimeNotificationFeature), typeof(IConnectionHeartbeatFeature), typeof(IConnectionCompleteFeature), typeof(IMtaTlsChannelFeature),
    ];

    private Dictionary<Type, object?>? _set;
    private (Action<object> Action, object State)[] _heartbeats = [];
    private List<KeyValuePair<string, object?>>? _tags;
    private CancellationToken? _closeRequestedReplacement;

    bool IFeatureCollection.IsReadOnly => false;

    public int Revision { get; private set; }

    [SuppressMessage("Design", "CA1043", Justification = "IFeatureCollection declares it this way.")]
    public object? this[Type key]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(key);
            return _set is not null && _set.TryGetValue(key, out object? feature) ? feature
                : IsOwn(key) ? this
                : IsHidden(key) ? null
                : _session.Connection.Features[key];
        }

        set
        {
            ArgumentNullException.ThrowIfNull(key);
            Revision++;
            (_set ??= [])[key] = value;
        }
    }

    public TFeature? Get<TFeature>() => (TFeature?)this[typeof(TFeature)];

    public void Set<TFeature>(TFeature? instance) => this[typeof(TFeature)] = instance;

    public IEnumerator<KeyValuePair<Type, object>> GetEnumerator()
    {
        foreach (Type own in s_ownTypes)
        {
            if (this[own] is { } feature)
            {
                yield return new KeyValuePair<Type, object>(own, feature);
            }
        }

        foreach ((Type key, object? feature) in _set ?? [])
        {
            if (feature is not null && !Array.Exists(s_ownTypes, own => own == key))
            {
                yield return new KeyValuePair<Type, object>(key, feature);
            }
        }

        foreach (KeyValuePair<Type, object> inherited in _session.Connection.Features)
        {
            if (_set?.ContainsKey(inherited.Key) != true && !IsHidden(inherited.Key) && !Array.Exists(s_ownTypes, own => own == inherited.Key))
            {
                yield return inherited.Key == typeof(IConnectionMetricsTagsFeature) ? new KeyValuePair<Type, object>(inherited.Key, this) : inherited;
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private bool IsOwn(Type key)
        => key == typeof(IConnectionIdFeature) || key == typeof(IConnectionTransportFeature) || key == typeof(IConnectionItemsFeature)
            || key == typeof(IConnectionLifetimeFeature) || key == typeof(IConnectionLifetimeNotificationFeature)
            || key == typeof(IConnectionHeartbeatFeature) || key == typeof(IConnectionCompleteFeature) || key == typeof(IMtaTlsChannelFeature)
            || (key == typeof(IConnectionMetricsTagsFeature) && _session.HasMetricsTags);

    private static bool IsHidden(Type key)
        => key == typeof(IConnectionSocketFeature) || key == typeof(IDecrementConcurrentConnectionCountFeature)
            || key == typeof(ISslStreamFeature) || key == typeof(SslStream);

    CancellationToken IConnectionLifetimeNotificationFeature.ConnectionClosedRequested
    {
        get => _closeRequestedReplacement ?? _closeRequested.Token;
        set => _closeRequestedReplacement = value;
    }

    void IConnectionHeartbeatFeature.OnHeartbeat(Action<object> action, object state)
    {
        // Each call makes a new array, so that a heartbeat that is running is not disturbed. Kestrel's HTTP layer adds one handler to a channel, so this is rare.
        (Action<object>, object)[] before, after;
        do
        {
            before = Volatile.Read(ref _heartbeats);
            after = [.. before, (action, state)];
        }
        while (Interlocked.CompareExchange(ref _heartbeats, after, before) != before);
    }

    /// <summary>Runs the heartbeat handlers. Called once a second, with the heartbeat of the TCP connection.</summary>
    public void Tick()
    {
        foreach ((Action<object> action, object state) in Volatile.Read(ref _heartbeats))
        {
            action(state);
        }
    }

    void IConnectionCompleteFeature.OnCompleted(Func<object, Task> callback, object state) => (_completed ??= []).Add((callback, state));

    ICollection<KeyValuePair<string, object?>> IConnectionMetricsTagsFeature.Tags => _tags ??= [];

    ChannelId IMtaTlsChannelFeature.ChannelId => _channel.Id;

    ChannelAddress IMtaTlsChannelFeature.ClaimedSource => _channel.Source;

    ChannelAddress IMtaTlsChannelFeature.Destination => _channel.Destination;

    long IMtaTlsChannelFeature.BytesReceived => _channel.BytesReceived;

    long IMtaTlsChannelFeature.BytesSent => _channel.BytesSent;
}
