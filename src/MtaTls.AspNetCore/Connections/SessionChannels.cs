using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Connections;

/// <summary>The channels that the client of one session has opened: those that wait for their first data, those that the application has, and those of Tcp routes.</summary>
#pragma warning disable CA1001 // See Shutdown.
internal sealed class SessionChannels(MtaTlsServerSession session, MtaTlsDispatch dispatch, SessionMeter meter)
#pragma warning restore CA1001
{
    // When nothing uses a channel of a session that is ending, its peer has so long to confirm what is closed: one that has gone, or hangs, holds up no restart.
    private static readonly TimeSpan s_confirmationTimeout = TimeSpan.FromSeconds(5);

    private readonly WaitingChannels _waiting = new();
    private readonly Lock _lock = new();
    private readonly HashSet<MtaTlsChannelContext> _running = [];
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MtaTlsChannelContext[] _ticking = [];
    private long _admitted;
    private volatile bool _closing;

    // Under the lock: the channels that the application has or may get and that are not closed yet, those of Tcp routes, and whether there will be no more.
    private readonly HashSet<ServerChannel> _forwarded = [];
    private int _open;
    private CancellationTokenSource? _unconfirmed;
    private bool _ended;

    private MtaTlsServer Server => session.Server;

    /// <summary>Opens a channel and gives it to the application: now or when it speaks.</summary>
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
            // Not here, on the read loop.
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

    /// <summary>Opens a channel for a Tcp route; <see cref="ForwardingEnded"/> is to follow. Null where it can't be opened any more.</summary>
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

    /// <summary>The channel of a Tcp route is closed on this side.</summary>
    public void ForwardingEnded(ServerChannel channel)
    {
        Server.ChannelLog.ChannelEnded($"{session.SessionId}-{channel.Channel.Id}", channel.Channel.BytesReceived, channel.Channel.BytesSent);
        End(channel);
        lock (_lock)
        {
            _forwarded.Remove(channel);
            BoundConfirmations();
        }
    }

    /// <summary>The application of a channel has returned: no heartbeat any more.</summary>
    public void ApplicationEnded(MtaTlsChannelContext context)
    {
        context.ServerChannel.Phase = ServerChannelPhase.Closing;
        lock (_lock)
        {
            _running.Remove(context);
        }
    }

    /// <summary>The application's channel is closed on this side, the last thing that is done with it.</summary>
    public void ServingEnded(MtaTlsChannelContext context)
    {
        Server.ChannelLog.ChannelEnded(context.ConnectionId, context.Channel.BytesReceived, context.Channel.BytesSent);
        End(context.ServerChannel);
        Uncount();
    }

    /// <summary>The session is ending: what waits is closed, and the applications are asked to end.</summary>
    /// <returns>A token that is cancelled when nothing uses a channel any more and the peer has not confirmed the last closes in time.</returns>
    [SuppressMessage("Reliability", "CA2000", Justification = "It holds nothing but a timer of a few seconds.")]
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
            BoundConfirmations();
        }

        foreach (MtaTlsChannelContext context in running)
        {
            context.RequestClose();
        }

        return unconfirmed.Token;
    }

    /// <summary>When the channels were opened that the client has opened and that are used or wait for their first data, and whether they are used.</summary>
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

    /// <summary>Once a second.</summary>
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
                // One channel's handler is not the end of the others' timeouts.
                Server.ChannelLog.ChannelCallbackFailed(context.ConnectionId, e);
            }
        }

        _ticking.AsSpan(0, count).Clear();
    }

    /// <summary>Closes the channels that have not spoken since they were opened at that time or before.</summary>
    public void CloseIdle(long timestamp)
    {
        while (_waiting.TakeOpenedUntil(timestamp) is { } waiting)
        {
            Server.ChannelLog.ChannelIdle(session.SessionId, waiting.Channel.Id);
            meter.LimitExceeded(nameof(MtaTlsLimits.ChannelIdleTimeout));
            EndWaiting(waiting);
        }
    }

    /// <summary>The session has ended. Returns when the applications of all its channels have.</summary>
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

    /// <summary>Makes a connection of a channel that counts, also when the session has ended meanwhile: what had arrived is the application's.</summary>
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

        if (HasSpoken(waiting.Channel))
        {
            Admit(waiting).Execute();
        }
        else
        {
            CloseUnused(waiting);
        }
    }

    /// <summary>A channel waits no longer. If its first data came at the same moment they go to the application all the same.</summary>
    private void EndWaiting(ServerChannel channel)
    {
        if (HasSpoken(channel.Channel))
        {
            ThreadPool.UnsafeQueueUserWorkItem(Admit(channel), preferLocal: false);
        }
        else
        {
            CloseUnused(channel);
        }
    }

    private static bool HasSpoken(MtaTlsChannel channel)
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

    /// <summary>Counts a channel until <see cref="Uncount"/>: the TCP connection stays until then.</summary>
    /// <returns>Whether it is not too late for it.</returns>
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
            BoundConfirmations();
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
            // The session has ended, which is reported with the session.
        }

        End(channel);
    }

    private void End(ServerChannel channel)
    {
        channel.Phase = ServerChannelPhase.Ended;
        session.Identity?.LeaveChannel();
        meter.ChannelEnded();
    }

    // Under the lock.
    private void BoundConfirmations()
    {
        if (_closing && !_ended && _open == 0 && _forwarded.Count == 0)
        {
            _unconfirmed?.CancelAfter(s_confirmationTimeout);
        }
    }

    // Under the lock.
    private void CompleteDrain()
    {
        if (_ended && _open == 0)
        {
            _drained.TrySetResult();
        }
    }
}
