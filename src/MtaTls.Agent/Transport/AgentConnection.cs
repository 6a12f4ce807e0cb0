using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using MtaTls.Protocol;

namespace MtaTls.Agent.Transport;

/// <summary>A channel that a gateway has opened, as a connection for Kestrel.</summary>
internal sealed class AgentConnection : ConnectionContext,
    IConnectionIdFeature, IConnectionItemsFeature, IConnectionTransportFeature, IConnectionLifetimeFeature, IMtaTlsAgentFeature
{
    private readonly MtaTlsChannel _channel;
    private readonly CancellationTokenSource _closed = new();
    private readonly Action<AgentConnection> _ended;
    private IDictionary<object, object?>? _items;
    private IDuplexPipe? _transport;
    private int _disposed;
    private int _begun;

    /// <param name="channel">The channel.</param>
    /// <param name="gateway">The gateway that opened it.</param>
    /// <param name="id">The connection's id in logs.</param>
    /// <param name="ended">Called once, when Kestrel has disposed the connection.</param>
    public AgentConnection(MtaTlsChannel channel, Uri gateway, string id, Action<AgentConnection> ended)
    {
        _channel = channel;
        _ended = ended;
        Gateway = gateway;
        ConnectionId = id;
        ConnectionClosed = _closed.Token;
        RemoteEndPoint = IPAddress.TryParse(channel.Source.Host, out IPAddress? address) ? new IPEndPoint(address, channel.Source.Port) : null;
        FeatureCollection features = new(8);
        features.Set<IConnectionIdFeature>(this);
        features.Set<IConnectionItemsFeature>(this);
        features.Set<IConnectionTransportFeature>(this);
        features.Set<IConnectionLifetimeFeature>(this);
        features.Set<IMtaTlsAgentFeature>(this);
        Features = features;
        channel.OnClosed(static (_, _, state) => ((AgentConnection)state!).OnClosed(), this);
    }

    public override string ConnectionId { get; set; }

    public override IFeatureCollection Features { get; }

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    public override IDuplexPipe Transport
    {
        get => _transport ?? _channel;
        set => _transport = value;
    }

    public override CancellationToken ConnectionClosed { get; set; }

    public Uri Gateway { get; }

    public ChannelAddress PublicClient => _channel.Source;

    public ChannelAddress Destination => _channel.Destination;

    public override void Abort() => _channel.Abort();

    public override void Abort(ConnectionAbortedException abortReason) => _channel.Abort();

    /// <summary>Sends all written bytes and closes the channel.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Kestrel's accept loop must continue, however the session ends.")]
    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        try
        {
            await _channel.Input.CompleteAsync();
            await _channel.Output.CompleteAsync();
            await _channel.CloseAsync();
        }
        catch (Exception)
        {
            // The session has ended. Its own end is logged.
            _channel.Abort();
        }

        _ended(this);
        await base.DisposeAsync();
    }

    /// <summary>Called with the first byte, before Kestrel gets the connection. False: the connection was closed before.</summary>
    public bool TryBegin() => Interlocked.CompareExchange(ref _begun, 1, 0) == 0;

    /// <summary>Asks Kestrel to close the connection after the request that it serves, if any. Kestrel does not know a connection without a first byte; such a connection is closed now.</summary>
    public void RequestClose()
    {
        if (TryBegin())
        {
            _ = DisposeAsync().AsTask();
        }
        else
        {
            Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        }
    }

    public static string Id(string session, long number) => string.Create(CultureInfo.InvariantCulture, $"{session}-{number}");

    private void OnClosed()
    {
        // The source is never disposed: callbacks may be registered later, and without a timer it holds no resources.
        _closed.Cancel();
    }
}
