using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Connections;

/// <summary>The channels that the client of one session has opened: those that wait for their first data, those that the application serves, and those of Tcp routes.</summary>
#pragma warning disable CA1001 // _unconfirmed holds only a timer of a few seconds; see Shutdown.
internal sealed class SessionChannels(MtaTlsServerSession session, MtaTlsDispatch dispatch, SessionMeter meter)
#pragma warning restore CA1001
{
    // The time that the peer has to confirm the last closes of a session that is ending. A peer that has disconnected or hangs must not delay a restart.
    private static readonly TimeSpan s_confirmationTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_lookInterval = TimeSpan.FromSeconds(1);

    private readonly WaitingChannels _waiting = new();
    private readonly Lock _lock = new();
    private readonly HashSet<MtaTlsChannelContext> _running = [];
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MtaTlsChannelContext[] _ticking = [];
    private long _admitted;
    private volatile bool _closing;

    // Guarded by _lock. _open counts the channels that the application serves or may get, until they are closed. After _ended a new channel counts only while others are open.
    private readonly HashSet<ServerChannel> _forwarded = [];
    private int _open;
    private CancellationTokenSource? _unconfirmed;
    private bool _isConfirmationLimited;
    private bool _ended;

    private MtaTlsServer Server => session.Server;

    /// <summary>Accepts a channel and gives it to the application: now, or with its first data.</summary>
    public void AcceptForApplication(MtaTlsChannelRequest request)
    {
        if (Accept(request) is not { } channel)
        {
            return;
        }

        if (!TryCount())
        {
            CloseUncounted(channel);
        }
        else if (dispatch == MtaTlsDispatch.Open)
        {
            // On the thread pool: the session's read loop runs here and must not wait for an application.
            ThreadPool.UnsafeQueueUserWorkItem(Admit(channel), preferLocal: false);
        }
        else
        {
            _waiting.Add(channel);
            channel.Channel.OnReadable(static (_, state) => ((ServerChannel)state!).Owner.OnReadable((ServerChannel)state), channel);
            if (_closing && _waiting.Remove(channel))
            {
                EndWaiting(channel);
            }
        }
    }

    /// <summary>Accepts a channel for a Tcp route; call <see cref="ForwardingEnded"/> later. Returns null if it can no longer be opened.</summary>
    public ServerChannel? AcceptForForwarding(MtaTlsChannelRequest request)
    {
        if (Accept(request) is not { } channel)
        {
            return null;
        }

        channel.Phase = ServerChannelPhase.Forwarding;
        lock (_lock)
        {
            _forwarded.Add(channel);
        }

        return channel;
    }

    /// <summary>Stops counting the channel of a Tcp route, which the server has closed.</summary>
    public void ForwardingEnded(ServerChannel channel)
    {
        Server.ChannelLog.ChannelEnded($"{session.SessionId}-{channel.Channel.Id}", channel.Channel.BytesReceived, channel.Channel.BytesSent);
        End(channel);
        lock (_lock)
        {
            _forwarded.Remove(channel);
            LimitConfirmationTime();
        }
    }

    /// <summary>The application of a channel has returned, so the channel gets no further heartbeats.</summary>
    public void ApplicationEnded(MtaTlsChannelContext context)
    {
        context.ServerChannel.Phase = ServerChannelPhase.Closing;
        lock (_lock)
        {
            _running.Remove(context);
        }
    }

    /// <summary>Stops counting a channel of the application, which the server has closed. The last call for the channel.</summary>
    public void ServingEnded(MtaTlsChannelContext context)
    {
        Server.ChannelLog.ChannelEnded(context.ConnectionId, context.Channel.BytesReceived, context.Channel.BytesSent);
        End(context.ServerChannel);
        Uncount();
    }

    /// <summary>Closes waiting channels and asks the applications of the others to end, because the session is ending.</summary>
    /// <returns>A token that is cancelled when nothing uses a channel any more and the peer has not confirmed the last closes in time.</returns>
    [SuppressMessage("Reliability", "CA2000", Justification = "It holds only a timer of a few seconds.")]
    public CancellationToken Shutdown()
    {
        CancellationTokenSource unconfirmed = new(Timeout.InfiniteTimeSpan, Server.Time);
        lock (_lock)
        {
            _unconfirmed = unconfirmed;
        }

        _closing = true;
        while (_waiting.TakeOpenedUntil(long.MaxValue) is { } waiting)
        {
            EndWaiting(waiting);
        }

        MtaTlsChannelContext[] running;
        lock (_lock)
        {
            running = [.. _running];
            LimitConfirmationTime();
        }

        foreach (MtaTlsChannelContext context in running)
        {
            context.RequestClose();
        }

        return unconfirmed.Token;
    }

    /// <summary>Returns the channels that the client has opened, with the time of the open and whether they are served or forwarded. Channels that are closing are left out.</summary>
    public Dictionary<MtaTlsChannel, (DateTimeOffset OpenedAt, bool IsServed)> Opened()
    {
        List<ServerChannel> used;
        lock (_lock)
        {
            used = [.. _forwarded, .. _running.Select(static c => c.ServerChannel)];
        }

        DateTimeOffset now = Server.Time.GetUtcNow();
        long timestamp = Server.Time.GetTimestamp();
        Dictionary<MtaTlsChannel, (DateTimeOffset, bool)> opened = [];
        _waiting.ForEach(c => opened[c.Channel] = (At(c), false));
        used.ForEach(c => opened[c.Channel] = (At(c), true));
        return opened;

        DateTimeOffset At(ServerChannel channel) => now - Server.Time.GetElapsedTime(channel.OpenedAt, timestamp);
    }

    /// <summary>Runs the heartbeat handlers of all channels. Called once a second.</summary>
    public void Tick()
    {
        int count;
        lock (_lock)
        {
            count = _running.Count;
            if (_ticking.Length < count || _ticking.Length > 4 * Math.Max(count, 16))
            {
                _ticking = new MtaTlsChannelContext[count];
            }

            _running.CopyTo(_ticking);
        }

        foreach (MtaTlsChannelContext context in _ticking.AsSpan(0, count))
        {
            try
            {
                context.Tick();
            }
            catch (Exception e)
            {
                // The failure of one channel's handler must not stop the timeouts of other channels.
                Server.ChannelLog.ChannelCallbackFailed(context.ConnectionId, e);
            }
        }

        _ticking.AsSpan(0, count).Clear();
    }

    /// <summary>Closes the waiting channels that were opened at the given time or before.</summary>
    public void CloseIdle(long timestamp)
    {
        while (_waiting.TakeOpenedUntil(timestamp) is { } waiting)
        {
            Server.ChannelLog.ChannelIdle(session.SessionId, waiting.Channel.Id);
            meter.LimitExceeded(nameof(MtaTlsLimits.ChannelIdleTimeout));
            EndWaiting(waiting);
        }
    }

    /// <summary>Called when the session has ended. Returns when the applications of all its channels have ended.</summary>
    public async Task DrainAsync()
    {
        _closing = true;
        lock (_lock)
        {
            _ended = true;
            if (session.Identity is not null)
            {
                foreach (MtaTlsChannelContext context in _running)
                {
                    context.StopPacing();
                }
            }

            CompleteDrain();
        }

        await _drained.Task;
    }

    private ServerChannel? Accept(MtaTlsChannelRequest request)
    {
        if (session.Identity?.TryEnterChannel(session, request) == false)
        {
            return null;
        }

        MtaTlsChannel channel;
        try
        {
            channel = request.Accept();
        }
        catch (MtaTlsChannelRefusedException e)
        {
            session.Identity?.LeaveChannel();
            Server.ChannelLog.ChannelRefused(session.SessionId, e.Reason);
            return null;
        }
        catch (MtaTlsSessionException)
        {
            session.Identity?.LeaveChannel();
            return null;
        }

        Server.ChannelLog.ChannelOpened(session.SessionId, channel);
        meter.ChannelOpened();
        return new ServerChannel(this, channel, Server.Time.GetTimestamp());
    }

    /// <summary>Creates the connection of a counted channel, also if the session has ended meanwhile: the application still gets the data that has arrived.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "A connection context owns nothing that needs disposal.")]
    private MtaTlsChannelContext Admit(ServerChannel channel)
    {
        MtaTlsChannelContext context;
        channel.Phase = ServerChannelPhase.Serving;
        lock (_lock)
        {
            context = new MtaTlsChannelContext(session, channel, ++_admitted);
            _running.Add(context);
        }

        if (_closing)
        {
            context.RequestClose();
        }

        return context;
    }

    private void OnReadable(ServerChannel waiting)
    {
        if (!_waiting.Remove(waiting))
        {
            return;
        }

        if (HasData(waiting.Channel))
        {
            Admit(waiting).Execute();
        }
        else
        {
            CloseUnused(waiting);
        }
    }

    /// <summary>Closes a channel that has waited; if its first data arrived at the same moment, the application gets it instead.</summary>
    private void EndWaiting(ServerChannel channel)
    {
        if (HasData(channel.Channel))
        {
            ThreadPool.UnsafeQueueUserWorkItem(Admit(channel), preferLocal: false);
        }
        else
        {
            CloseUnused(channel);
        }
    }

    private static bool HasData(MtaTlsChannel channel)
    {
        try
        {
            if (!channel.Input.TryRead(out ReadResult result))
            {
                return false;
            }

            bool any = !result.Buffer.IsEmpty;
            channel.Input.AdvanceTo(result.Buffer.Start);
            return any;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Counts a channel; call <see cref="Uncount"/> later. <see cref="DrainAsync"/> waits for all counted channels.</summary>
    /// <returns>False if the session has ended and nothing waits for its channels any more.</returns>
    private bool TryCount()
    {
        lock (_lock)
        {
            if (_ended && _open == 0)
            {
                return false;
            }

            _open++;
            return true;
        }
    }

    private void Uncount()
    {
        lock (_lock)
        {
            _open--;
            LimitConfirmationTime();
            CompleteDrain();
        }
    }

    private async void CloseUnused(ServerChannel channel)
    {
        await CloseAsync(channel);
        Uncount();
    }

    private async void CloseUncounted(ServerChannel channel) => await CloseAsync(channel);

    private async Task CloseAsync(ServerChannel channel)
    {
        channel.Phase = ServerChannelPhase.Closing;
        try
        {
            await channel.Channel.DisposeAsync();
        }
        catch (IOException)
        {
            // The session has ended, and the session logs that.
        }

        End(channel);
    }

    private void End(ServerChannel channel)
    {
        channel.Phase = ServerChannelPhase.Ended;
        session.Identity?.LeaveChannel();
        meter.ChannelEnded();
    }

    // Call it under _lock.
    private void LimitConfirmationTime()
    {
        if (_unconfirmed is null || _isConfirmationLimited || _ended || _open > 0 || _forwarded.Count > 0)
        {
            return;
        }

        _isConfirmationLimited = true;
        if (session.Session.HasChannelsInUse)
        {
            _ = LimitLaterAsync();
        }
        else
        {
            _unconfirmed.CancelAfter(s_confirmationTimeout);
        }
    }

    /// <summary>Channels that this server has opened are in use, for example by a request that an agent serves, and nothing tells when they are closed.</summary>
    private async Task LimitLaterAsync()
    {
        await Task.Delay(s_lookInterval, Server.Time);
        lock (_lock)
        {
            _isConfirmationLimited = false;
            LimitConfirmationTime();
        }
    }

    // Call it under _lock.
    private void CompleteDrain()
    {
        if (_ended && _open == 0)
        {
            _drained.TrySetResult();
        }
    }
}
