using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Identities;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Connections;

/// <summary>A channel as a connection of Kestrel's: what its HTTP layer, or any other connection handler, is given.</summary>
internal sealed partial class MtaTlsChannelContext : ConnectionContext, IThreadPoolWorkItem
{
    private readonly MtaTlsServerSession _session;
    private readonly MtaTlsChannel _channel;
    private readonly long _number;
    private string? _connectionId;
    private readonly PacedPipe? _paced;
    private IDuplexPipe? _transport;
    private IDictionary<object, object?>? _items;
    private LazyCancellation _closed;
    private volatile bool _hasEnded;
    private LazyCancellation _closeRequested;
    private CancellationToken? _closedReplacement;
    private List<(Func<object, Task> Callback, object State)>? _completed;

    public MtaTlsChannelContext(MtaTlsServerSession session, ServerChannel serverChannel, long number)
    {
        _session = session;
        ServerChannel = serverChannel;
        _channel = serverChannel.Channel;
        _number = number;
        _paced = session.Identity?.CreatePipe(_channel);
        _transport = session.SpeaksHttp2 ? new Http2Transport(session, (IDuplexPipe?)_paced ?? _channel) : _paced;
        _channel.OnClosed(static (_, error, state) => ((MtaTlsChannelContext)state!).OnClosed(error), this);
    }

    public MtaTlsChannel Channel => _channel;

    /// <summary>Where it is in its life.</summary>
    public ServerChannel ServerChannel { get; }

    public override string ConnectionId
    {
        get => _connectionId ??= string.Create(CultureInfo.InvariantCulture, $"{_session.SessionId}-{_number}");
        set => _connectionId = value;
    }

    public override IFeatureCollection Features => this;

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

    public override CancellationToken ConnectionClosed
    {
        get => _closedReplacement ?? _closed.Token;
        set => _closedReplacement = value;
    }

    public override EndPoint? LocalEndPoint
    {
        get => base.LocalEndPoint ?? _session.Connection.LocalEndPoint;
        set => base.LocalEndPoint = value;
    }

    public override EndPoint? RemoteEndPoint
    {
        get => base.RemoteEndPoint ?? _session.Connection.RemoteEndPoint;
        set => base.RemoteEndPoint = value;
    }

    public override void Abort() => Abort(new ConnectionAbortedException("The connection was aborted by its application."));

    public override void Abort(ConnectionAbortedException? abortReason)
    {
        if (abortReason is not null)
        {
            _session.Server.ChannelLog.ChannelAborted(ConnectionId, abortReason.Message);
        }

        // Kestrel follows the end of a connection with an abort, usually without a reason. That is no failure of the application, and what had arrived stays readable.
        _channel.Abort(_hasEnded ? null : abortReason);
        StopPacing();
    }

    /// <summary>Asks the application to end when it has done what it does: no further request on HTTP/1.1, GOAWAY on HTTP/2.</summary>
    public void RequestClose()
    {
        try
        {
            _closeRequested.Cancel();
        }
        catch (AggregateException e)
        {
            _session.Server.ChannelLog.ChannelCallbackFailed(ConnectionId, e);
        }
    }

    /// <summary>Nothing waits for the bandwidth of the client's identity any more.</summary>
    public void StopPacing() => _paced?.Dispose();

    /// <summary>Runs the application on the channel, then closes it.</summary>
    public void Execute() => _ = ExecuteAsync();

    private async Task ExecuteAsync()
    {
        Exception? failure = null;
        try
        {
            using IDisposable? scope = _session.Server.ChannelLog.BeginChannelScope(this);
            await _session.Next(this);
        }
        catch (Exception e)
        {
            failure = e;
        }

        _session.Channels.ApplicationEnded(this);
        if (KestrelEndReason.IsError(_session.Connection.Features))
        {
            _session.ForbidResumption();
        }

        if (failure is not null && failure is not (ConnectionResetException or ConnectionAbortedException or OperationCanceledException))
        {
            _session.Server.ChannelLog.ChannelApplicationFailed(ConnectionId, failure);
            _channel.Abort(failure);
        }

        await RunCompletedAsync();
        try
        {
            // HTTP/1.1 leaves its pipes open. What was written still goes out before the channel closes.
            await (_paced?.Input ?? _channel.Input).CompleteAsync();
            await (_paced?.Output ?? _channel.Output).CompleteAsync();
            await _channel.CloseAsync();
        }
        catch (Exception e)
        {
            // The session's end is reported with the session.
            _session.Server.ChannelLog.ChannelCloseFailed(ConnectionId, e.Message);
            _channel.Abort();
        }

        StopPacing();
        _session.Channels.ServingEnded(this);
    }

    private void OnClosed(Exception? error)
    {
        _hasEnded = true;
        if (error is not null)
        {
            StopPacing();
        }

        try
        {
            _closed.Cancel();
        }
        catch (AggregateException e)
        {
            _session.Server.ChannelLog.ChannelCallbackFailed(ConnectionId, e);
        }
    }

    private async Task RunCompletedAsync()
    {
        // The last registered runs first, as on Kestrel's own connections.
        for (int i = (_completed?.Count ?? 0) - 1; i >= 0; i--)
        {
            try
            {
                (Func<object, Task> callback, object state) = _completed![i];
                await callback(state);
            }
            catch (Exception e)
            {
                _session.Server.ChannelLog.ChannelCallbackFailed(ConnectionId, e);
            }
        }
    }
}
