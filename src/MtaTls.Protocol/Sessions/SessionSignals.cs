namespace MtaTls.Protocol;

/// <summary>Sends and answers signals, which are opens to names that cannot exist (docs/mta-tls-wire.md, "Signals"), and reacts to the answers.</summary>
internal sealed class SessionSignals
{
    private const string SignalReceived = "Received";
    private const string TooManySignals = "Too many signals";

    private readonly MtaTlsSession _session;
    private readonly ChannelRegistry _registry;
    private readonly TimeProvider _time;
    private readonly EventRate? _rate;
    private readonly Action<TimeSpan>? _goAwayReceived;
    private readonly Action<TimeSpan>? _pingAnswered;
    private readonly Action? _suspected;
    private long _pingsReceived;
    private volatile bool _peerGoesAway;

    public SessionSignals(MtaTlsSession session, ChannelRegistry registry, MtaTlsSessionOptions options)
    {
        _session = session;
        _registry = registry;
        _time = options.TimeProvider;
        _rate = EventRate.Create(session.Limits.MaxSignalsPerSecond, _time);
        _goAwayReceived = options.GoAwayReceived;
        _pingAnswered = options.PingAnswered;
        _suspected = options.Suspected;
    }

    public bool IsPeerGoingAway => _peerGoesAway;

    public long PingsReceived => Volatile.Read(ref _pingsReceived);

    /// <summary>Sends a ping without waiting for its answer.</summary>
    /// <returns>Whether it was queued.</returns>
    public bool TrySendPing()
    {
        try
        {
            Begin(SignalNames.PingName, 0);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>The peer has not answered a ping in time: ends the session.</summary>
    public void PeerIsSilent(TimeSpan silence)
    {
        _session.Counters.CountExceeded(MtaTlsSessionLimit.KeepAliveTimeout);
        _session.Abort(new MtaTlsSessionException(
            FormattableString.Invariant($"The peer did not answer a ping; nothing was received for {silence.TotalSeconds:0} s."), MtaTlsSessionEnd.LimitExceeded, MtaTlsSessionLimit.KeepAliveTimeout,
            new TimeoutException()));
    }

    /// <summary>The session is suspected: fails the opens that wait for an answer. No data was sent for them, so their callers can use another session.</summary>
    public void OnSuspected()
    {
        PendingOpen[] opens;
        lock (_registry.Gate)
        {
            opens = [.. _registry.Table.OwnOpens.Where(static open => !open.IsSignal)];
        }
        _suspected?.Invoke();
        foreach (PendingOpen open in opens)
        {
            open.TrySetException(new MtaTlsSessionException("The peer has stopped answering: a ping has waited for its answer for a second."));
        }
    }

    /// <summary>Fails this end's opens that have waited too long.</summary>
    /// <returns>The timestamp of the oldest open that still waits; null when there is none.</returns>
    public long? ExpireOpens(long now, TimeSpan timeout)
    {
        List<PendingOpen>? expired = null;
        long? oldest = null;
        lock (_registry.Gate)
        {
            foreach (PendingOpen open in _registry.Table.OwnOpens)
            {
                if (open.IsSignal || open.IsDecided)
                {
                    continue;
                }

                if (timeout != Timeout.InfiniteTimeSpan && _time.GetElapsedTime(open.Begun, now) >= timeout)
                {
                    (expired ??= []).Add(open);
                }
                else if (oldest is null || open.Begun < oldest)
                {
                    oldest = open.Begun;
                }
            }
        }
        if (expired is not null)
        {
            foreach (PendingOpen open in expired)
            {
                if (open.TrySetException(new MtaTlsChannelException($"The peer did not answer the open within OpenTimeout ({timeout}).", new TimeoutException())))
                {
                    _session.Counters.CountExceeded(MtaTlsSessionLimit.OpenTimeout);
                }
            }
        }
        return oldest;
    }

    /// <summary>Queues a signal.</summary>
    public PendingOpen Begin(string name, int port)
    {
        lock (_registry.Gate)
        {
            if (_registry.State == SessionState.Ended)
            {
                throw new MtaTlsSessionException("The session has ended.");
            }

            // When the peer accepts a signal, there is a channel for a moment. It needs a window like any other channel.
            int firstWindow = _session.Budget.ReserveFirst(0);
            if (firstWindow == 0)
            {
                throw new MtaTlsChannelRefusedException(SessionOpens.NoBuffers, isLocal: true);
            }

            var signal = new PendingOpen(new ChannelAddress("0.0.0.0", 0), new ChannelAddress(name, port), firstWindow) { IsSignal = true, Begun = _time.GetTimestamp() };
            if (!_registry.Table.TryAddOwnOpen(signal))
            {
                _session.Budget.ReleaseAll(firstWindow);
                throw new MtaTlsChannelRefusedException(SessionOpens.TooManyPending, isLocal: true);
            }

            _session.Queue.EnqueueRequest(SessionOpens.RequestPacket(signal, SignalNames.Window, SignalNames.MaxPacketLength));
            return signal;
        }
    }

    /// <summary>The peer has answered a signal. Called by the read loop only.</summary>
    public void OnAnswered(PendingOpen signal)
    {
        signal.RoundTrip = _time.GetElapsedTime(signal.Begun);
        if (signal.Destination.Port == 0 && signal.Destination.Host == SignalNames.PingName)
        {
            _session.Liveness.OnPingAnswered();
            _pingAnswered?.Invoke(signal.RoundTrip);
        }
    }

    /// <summary>Answers a request that is a signal. It is neither logged nor counted as an open. Called by the read loop only.</summary>
    /// <returns>Whether the request is a signal.</returns>
    public bool TryAnswer(ChannelEstablishmentRequest packet)
    {
        bool isPing = SignalNames.Is(packet.DestinationAddressMachine, SignalNames.Ping);
        if (!isPing && !SignalNames.Is(packet.DestinationAddressMachine, SignalNames.GoAway))
        {
            return false;
        }

        bool tooMany = _rate?.TryTake() == false;
        lock (_registry.Gate)
        {
            if (_registry.Table.HasPeerOpen(packet.SenderChannelId))
            {
                throw new MtaTlsProtocolException("The peer sent a ChannelEstablishmentRequest with the sender_channel_id of a pending one.");
            }

            if (tooMany)
            {
                _session.Counters.CountExceeded(MtaTlsSessionLimit.MaxSignalsPerSecond);
                _session.Counters.CountRefused();
            }
            _session.Opens.EnqueueEchec(packet.SenderChannelId, tooMany ? TooManySignals : SignalReceived);
        }
        if (tooMany)
        {
            _session.Dispatcher.CountEmptyPacket();
        }
        else if (isPing)
        {
            Interlocked.Increment(ref _pingsReceived);
        }
        else
        {
            _peerGoesAway = true;
            _goAwayReceived?.Invoke(TimeSpan.FromSeconds(packet.DestinationPort));
        }
        return true;
    }
}
