using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Identities;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Connections;

/// <summary>A channel as a Kestrel connection, which the HTTP layer or any other connection handler serves.</summary>
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

    /// <summary>The server's state of the channel.</summary>
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

        // Kestrel also aborts a connection that has already ended, usually without a reason. That is no failure of the application, and data that has arrived stays readable.
        _channel.Abort(_hasEnded ? null : abortReason);
        StopPacing();
    }

    /// <summary>Asks the application to end after its current work: HTTP/1.1 reads no further request, HTTP/2 sends GOAWAY.</summary>
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

    /// <summary>Ends the bandwidth limit of the client's identity for this channel: reads and writes that wait for it continue.</summary>
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
            // HTTP/1.1 does not complete its pipes. The channel sends data that was written before it closes.
            await (_paced?.Input ?? _channel.Input).CompleteAsync();
            await (_paced?.Output ?? _channel.Output).CompleteAsync();
            await _channel.CloseAsync();
        }
        catch (Exception e)
        {
            // If the cause is the end of the session, the session logs it.
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
