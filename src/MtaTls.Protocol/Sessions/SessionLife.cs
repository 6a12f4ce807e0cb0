namespace MtaTls.Protocol;

/// <summary>Runs the two loops of a session, and ends it in order or with a failure. Its state is <see cref="ChannelRegistry.State"/>.</summary>
internal sealed class SessionLife(MtaTlsSession session, IMtaTlsTransport transport, ChannelRegistry registry, TimeProvider time)
{
    /// <summary>How long a session that shuts down or is disposed waits until its close_notify is sent and answered.</summary>
    private static readonly TimeSpan s_disposeTimeout = TimeSpan.FromSeconds(2);

    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Guarded by the session's lock.
    private MtaTlsSessionEnd _ownEnd = MtaTlsSessionEnd.Shutdown;
    private MtaTlsSessionEnd? _end;
    private MtaTlsSessionLimit? _endLimit;

    private MtaTlsSessionException? _failure;

    public Task Completion => _completion.Task;

    /// <summary>How the session ended, and the limit that was exceeded.</summary>
    public (MtaTlsSessionEnd? End, MtaTlsSessionLimit? Limit) End
    {
        get
        {
            lock (registry.Gate)
            {
                return (_end, _endLimit);
            }
        }
    }

    public SessionState State
    {
        get
        {
            lock (registry.Gate)
            {
                return registry.State;
            }
        }
    }

    /// <summary>Refuses new channels from now on.</summary>
    public void RefuseNewChannels()
    {
        lock (registry.Gate)
        {
            registry.Advance(SessionEvent.Refuse);
        }
    }

    /// <summary>Ends the session and the transport at once.</summary>
    public void Abort(Exception? reason)
    {
        MtaTlsSessionException failure = reason as MtaTlsSessionException ?? new MtaTlsSessionException("The session was aborted.", MtaTlsSessionEnd.Aborted, innerException: reason);
        Interlocked.CompareExchange(ref _failure, failure, null);
        RefuseNewChannels();
        transport.Abort(failure);
    }

    /// <summary>Runs both loops, then ends the session. It does not throw.</summary>
    public async Task RunAsync()
    {
        Task sending = SendAsync();
        MtaTlsSessionException? failure = null;
        try
        {
            await new SessionReader(session, transport, session.Counters).RunAsync().ConfigureAwait(false);
        }
        catch (MtaTlsProtocolException e)
        {
            failure = e;
            session.ForbidResumption();
        }
        catch (Exception e)
        {
            if (State != SessionState.CutOff)
            {
                failure = Volatile.Read(ref _failure) ?? new MtaTlsSessionException($"The connection below the session failed: {e.Message}", MtaTlsSessionEnd.TransportLost, innerException: e);
            }
        }
        bool isCutOff = State == SessionState.CutOff;
        EndChannels(failure);
        await CloseTransportAsync(sending, failure, isCutOff).ConfigureAwait(false);
        if (failure is null)
        {
            _completion.TrySetResult();
        }
        else
        {
            _completion.TrySetException(failure);
        }
    }

    private async Task SendAsync()
    {
        try
        {
            await session.Writer.RunAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            session.Abort(new MtaTlsSessionException($"The connection below the session failed: {e.Message}", MtaTlsSessionEnd.TransportLost, innerException: e));
        }
    }

    /// <summary>Ends the transport. Sends close_notify, even after the peer broke a rule, unless the connection itself is broken.</summary>
    private async Task CloseTransportAsync(Task sending, MtaTlsSessionException? failure, bool isCutOff)
    {
        try
        {
            bool inOrder = failure is null or MtaTlsProtocolException && !isCutOff;
            if (!inOrder)
            {
                transport.Abort(failure);
            }

            await CompleteAsync().WaitAsync(session.Limits.CloseTimeout, time).ConfigureAwait(false);

            async Task CompleteAsync()
            {
                await sending.ConfigureAwait(false);
                if (inOrder && !session.Writer.HasCompleted)
                {
                    await transport.CompleteAsync().ConfigureAwait(false);
                }
            }
        }
        catch (Exception e)
        {
            transport.Abort(e);
        }
        try
        {
            await transport.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Ignored: the session's result is known already.
        }
        session.Liveness.Dispose();
        MemoryReturn.Shared.SessionEnded();
        session.Writer.Dispose();
        session.Acknowledgments.Dispose();
        session.Clock.Dispose();
    }

    /// <summary>Sends close_notify after all queued items. Called when no channel is left.</summary>
    public void Complete(MtaTlsSessionEnd end)
    {
        lock (registry.Gate)
        {
            if (registry.State < SessionState.Closing)
            {
                _ownEnd = end;
            }

            registry.Advance(SessionEvent.Complete);
        }
        session.Queue.Complete();
    }

    /// <summary>Refuses new channels and waits until none is left. When the wait is canceled, aborts the open channels and refuses the pending requests.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        Task drained;
        lock (registry.Gate)
        {
            registry.Advance(SessionEvent.Refuse);
            drained = registry.WaitForDrain();
        }
        try
        {
            if (!drained.IsCompleted)
            {
                await drained.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            AbortChannels();
        }
    }

    private void AbortChannels()
    {
        MtaTlsChannel[] channels;
        MtaTlsChannelRequest[] requests;
        lock (registry.Gate)
        {
            channels = [.. registry.Table.Channels];
            requests = [.. registry.Table.PeerRequests];
        }
        foreach (MtaTlsChannelRequest request in requests)
        {
            if (request.TryWithdraw())
            {
                session.Opens.Refuse(request, SessionOpens.ShuttingDown);
            }
        }
        foreach (MtaTlsChannel channel in channels)
        {
            channel.AbortWithSession();
        }
    }

    /// <summary>Waits up to <see cref="s_disposeTimeout"/> until both close_notify are exchanged, then ends the transport.</summary>
    public async Task EndNowAsync()
    {
        try
        {
            await session.Completion.WaitAsync(s_disposeTimeout, time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            lock (registry.Gate)
            {
                registry.Advance(SessionEvent.CutOff);
            }

            transport.Abort();
            await session.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (MtaTlsSessionException)
        {
            // Completion has the same exception for callers that need it.
        }
    }

    private void EndChannels(MtaTlsSessionException? failure)
    {
        session.Queue.Stop();
        MtaTlsChannel[] channels;
        PendingOpen[] opens;
        int lost;
        lock (registry.Gate)
        {
            _end = failure is null ? SessionTransitions.OrderlyEnd(registry.State, _ownEnd) : failure.End ?? MtaTlsSessionEnd.Aborted;
            _endLimit = failure?.Limit;
            registry.Advance(SessionEvent.TransportEnds);
            channels = [.. registry.Table.Channels];
            opens = [.. registry.Table.OwnOpens];
            lost = registry.Table.OwnOpenCount + registry.Table.PeerOpens;
            registry.Table.Clear();
            registry.CheckDrained();
        }
        session.Opens.Complete();
        foreach (PendingOpen open in opens)
        {
            session.Budget.ReleaseAll(open.FirstWindow);
            open.TrySetException(new MtaTlsSessionException("The session has ended.", failure));
        }
        foreach (MtaTlsChannel channel in channels)
        {
            lost += channel.OnSessionEnd(failure) ? 1 : 0;
        }
        if (failure is not null)
        {
            session.Counters.SetLost(lost);
        }
    }
}
