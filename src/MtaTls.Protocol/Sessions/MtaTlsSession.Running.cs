using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace MtaTls.Protocol;

/// <content>The session's life: its loops, the packets that come in, and its end.</content>
public sealed partial class MtaTlsSession
{
    /// <summary>How long a session that is disposed waits for its close_notify to be sent and answered.</summary>
    private static readonly TimeSpan s_disposeTimeout = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Guards the table, the counts and the states below. The scheduler's lock may be taken under it; a channel's lock never is, and it never under a channel's.
    /// </summary>
    private readonly Lock _gate = new();
    private readonly ChannelTable _table;
    private int _channels;
    private SessionState _state;
    private MtaTlsSessionEnd _ownEnd = MtaTlsSessionEnd.Shutdown;
    private MtaTlsSessionEnd? _end;
    private MtaTlsSessionLimit? _endLimit;
    private TaskCompletionSource? _drained;

    private MtaTlsSessionException? _failure;
    private bool _resumptionForbidden;
    private readonly EventRate? _emptyPackets;
    private readonly EventRate? _smallPackets;
    private readonly EventRate? _acknowledgments;
    private MtaTlsChannel? _lastFound;   // the read loop's

    private bool IsFull => _channels + _table.PeerOpens + _table.OwnOpenCount >= Limits.MaxChannelsPerSession;

    private async Task RunAsync()
    {
        Task sending = SendAsync();
        MtaTlsSessionException? failure = null;
        try
        {
            await new SessionReader(this, _transport, Counters).RunAsync().ConfigureAwait(false);
        }
        catch (MtaTlsProtocolException e)
        {
            failure = e;
            ForbidResumption();
        }
        catch (Exception e)
        {
            if (State != SessionState.CutOff)
            {
                failure = Volatile.Read(ref _failure) ?? new MtaTlsSessionException("The connection below the session failed.", MtaTlsSessionEnd.TransportLost, innerException: e);
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
            await Writer.RunAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Abort(new MtaTlsSessionException("The connection below the session failed.", MtaTlsSessionEnd.TransportLost, innerException: e));
        }
    }

    /// <summary>Ends the transport: with close_notify, also after the peer broke a rule, unless the connection itself is broken.</summary>
    private async Task CloseTransportAsync(Task sending, MtaTlsSessionException? failure, bool isCutOff)
    {
        try
        {
            bool inOrder = failure is null or MtaTlsProtocolException && !isCutOff;
            if (!inOrder)
            {
                _transport.Abort(failure);
            }

            await CompleteAsync().WaitAsync(Limits.CloseTimeout, _time).ConfigureAwait(false);

            async Task CompleteAsync()
            {
                await sending.ConfigureAwait(false);
                if (inOrder && !Writer.HasCompleted)
                {
                    await _transport.CompleteAsync().ConfigureAwait(false);
                }
            }
        }
        catch (Exception e)
        {
            _transport.Abort(e);
        }
        try
        {
            await _transport.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The session has ended, and how it did is known; the connection below can add nothing.
        }
        Liveness.Dispose();
        MemoryReturn.Shared.SessionEnded();
        Writer.Dispose();
        Acknowledgments.Dispose();
        Clock.Dispose();
    }

    // ----- the read loop -----

    internal void OnPacket(PacketType type, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case PacketType.ChannelEstablishmentRequest:
                OnRequest(ChannelEstablishmentRequest.Read(body));
                break;
            case PacketType.ChannelEstablishmentSuccess:
                OnSuccess(ChannelEstablishmentSuccess.Read(body));
                break;
            case PacketType.ChannelRequestEchec:
                OnEchec(ChannelRequestEchec.Read(body));
                break;
            case PacketType.ChannelCloseRequest:
                if (FindChannel(ChannelCloseRequest.Read(body).ChannelId) is { } closing && closing.OnCloseRequest())
                {
                    Free(closing);
                }

                break;
            case PacketType.ChannelCloseConfirmation:
                if (FindChannel(ChannelCloseConfirmation.Read(body).ChannelId) is { } closed && closed.OnCloseConfirmation())
                {
                    Free(closed);
                }

                break;
            case PacketType.NewMaxPacketLength:
                CountAcknowledgment();
                CountEmptyPacket();
                var change = NewMaxPacketLength.Read(body);
                if (FindChannel(change.ChannelId) is { } changed)
                {
                    Receiver.OnNewMaxPacketLength(changed, change.MaxPacketLength);
                }

                break;
            case PacketType.Acknowledgment:
                CountAcknowledgment();
                var acknowledgment = Acknowledgment.Read(body);
                if (acknowledgment.FreeSpace == 0)
                {
                    Counters.EmptyAcknowledgments++;
                    CountEmptyPacket();
                }
                if (FindChannel(acknowledgment.ChannelId) is { } acknowledged)
                {
                    Receiver.OnAcknowledgment(acknowledged, acknowledgment.FreeSpace);
                }

                break;
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>The channel of a packet of type 4 to 8; <see langword="null"/> when its id was freed and the packet is to be ignored.</summary>
    /// <exception cref="MtaTlsProtocolException">The id was never live.</exception>
    internal MtaTlsChannel? FindChannel(ChannelId id)
    {
        // Ids are freed on this loop only, which then forgets the channel.
        if (_lastFound is { } last && last.Id == id)
        {
            return last;
        }

        lock (_gate)
        {
            // One whose ChannelEstablishmentSuccess is still to be sent the peer can only have guessed.
            if (_table.TryGet(id, out MtaTlsChannel? channel) && channel.IsAnnounced)
            {
                return _lastFound = channel;
            }

            if (!_table.WasFreed(id))
            {
                throw new MtaTlsProtocolException($"A packet for channel {id}, which was never open.");
            }
        }
        Counters.CountIgnored();
        CountEmptyPacket();
        return null;
    }

    /// <summary>A packet has brought nothing. The read loop's.</summary>
    internal void CountEmptyPacket()
    {
        if (_emptyPackets?.TryTake() == false)
        {
            EndFor(MtaTlsSessionLimit.MaxEmptyPacketsPerSecond, "The peer sends too many packets that bring nothing.");
        }
    }

    /// <summary>A data packet has brought hardly anything. The read loop's.</summary>
    internal void CountSmallPacket()
    {
        if (_smallPackets?.TryTake() == false)
        {
            EndFor(MtaTlsSessionLimit.MaxSmallPacketsPerSecond, "The peer sends too many small packets.");
        }
    }

    private void CountAcknowledgment()
    {
        if (_acknowledgments?.TryTake() == false)
        {
            EndFor(MtaTlsSessionLimit.MaxAcknowledgmentsPerSecond, "The peer sends too many acknowledgments.");
        }
    }

    [DoesNotReturn]
    private void EndFor(MtaTlsSessionLimit limit, string reason)
    {
        Counters.CountExceeded(limit);
        throw new MtaTlsProtocolException(reason, limit);
    }

    /// <summary>The peer has exceeded a limit that ends the session. From any thread.</summary>
    internal void AbortFor(MtaTlsSessionLimit limit, string reason)
    {
        Counters.CountExceeded(limit);
        Abort(new MtaTlsSessionException(reason, MtaTlsSessionEnd.LimitExceeded, limit));
    }

    private void Free(MtaTlsChannel channel)
    {
        _lastFound = null;
        lock (_gate)
        {
            _table.Free(channel);
        }
    }

    // ----- channels -----

    private void AddChannel(MtaTlsChannel channel)
    {
        _table.Add(channel);
        _channels++;
        Counters.CountOpened();
    }

    /// <summary>A channel no longer counts.</summary>
    internal void ChannelReleased()
    {
        lock (_gate)
        {
            _channels--;
            CheckDrained();
        }
        _channelEnded?.Invoke();
    }

    /// <summary>The send budgets are exceeded and the peer does not read: closes channels until they are not.</summary>
    internal void CloseStuckChannels()
    {
        MtaTlsChannel[] channels;
        lock (_gate)
        {
            channels = [.. _table.Channels];
        }
        foreach (MtaTlsChannel channel in channels)
        {
            channel.CloseIfHoldingAndStuck();
        }
    }

    internal void ForbidResumption()
    {
        lock (_gate)
        {
            if (_resumptionForbidden)
            {
                return;
            }

            _resumptionForbidden = true;
        }
        _transport.ForbidResumption();
    }

    // ----- the end -----

    private SessionState State
    {
        get
        {
            lock (_gate)
            {
                return _state;
            }
        }
    }

    /// <summary>The caller holds the session's lock.</summary>
    private void Advance(SessionEvent what) => _state = SessionTransitions.Next(_state, what);

    /// <summary>No channel is left: sends close_notify behind all that is queued.</summary>
    private void Complete(MtaTlsSessionEnd end)
    {
        lock (_gate)
        {
            if (_state < SessionState.Closing)
            {
                _ownEnd = end;
            }

            Advance(SessionEvent.Complete);
        }
        Queue.Complete();
    }

    /// <summary>Waits until no channel is open or being opened, or aborts those that are.</summary>
    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        Task drained;
        lock (_gate)
        {
            Advance(SessionEvent.Refuse);
            _drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            CheckDrained();
            drained = _drained.Task;
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

    private void CheckDrained()
    {
        if (_drained is not null && (_state == SessionState.Ended || _channels + _table.PeerOpens + _table.OwnOpenCount == 0))
        {
            _drained.TrySetResult();
        }
    }

    private void AbortChannels()
    {
        MtaTlsChannel[] channels;
        MtaTlsChannelRequest[] requests;
        lock (_gate)
        {
            channels = [.. _table.Channels];
            requests = [.. _table.PeerRequests];
        }
        foreach (MtaTlsChannelRequest request in requests)
        {
            if (request.TryWithdraw())
            {
                Refuse(request, ShuttingDown);
            }
        }
        foreach (MtaTlsChannel channel in channels)
        {
            channel.AbortWithSession();
        }
    }

    /// <summary>Waits a moment for close_notify to be exchanged, then ends.</summary>
    private async Task EndNowAsync()
    {
        try
        {
            await Completion.WaitAsync(s_disposeTimeout, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            lock (_gate)
            {
                Advance(SessionEvent.CutOff);
            }

            _transport.Abort();
            await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (MtaTlsSessionException)
        {
            // Completion says it to whoever asks.
        }
    }

    private void EndChannels(MtaTlsSessionException? failure)
    {
        Queue.Stop();
        MtaTlsChannel[] channels;
        PendingOpen[] opens;
        lock (_gate)
        {
            _end = failure is null ? SessionTransitions.OrderlyEnd(_state, _ownEnd) : failure.End ?? MtaTlsSessionEnd.Aborted;
            _endLimit = failure?.Limit;
            Advance(SessionEvent.TransportEnds);
            channels = [.. _table.Channels];
            opens = [.. _table.OwnOpens];
            _table.Clear();
            CheckDrained();
        }
        _requests.Writer.TryComplete();
        while (_requests.Reader.TryRead(out _))
        {
            // Nobody can answer these any more.
        }
        foreach (PendingOpen open in opens)
        {
            Budget.ReleaseAll(open.FirstWindow);
            open.TrySetException(new MtaTlsSessionException("The session has ended.", failure));
        }
        foreach (MtaTlsChannel channel in channels)
        {
            channel.OnSessionEnd(failure);
        }
    }
}
