namespace MtaTls.Protocol;

/// <summary>Signals: opens to names that cannot exist (docs/mta-tls-wire.md, "Signals"), and what this end concludes from the answers.</summary>
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

    /// <summary>The peer has not answered in time: the session is left.</summary>
    public void PeerIsSilent(TimeSpan silence)
    {
        _session.Counters.CountExceeded(MtaTlsSessionLimit.KeepAliveTimeout);
        _session.Abort(new MtaTlsSessionException(
            FormattableString.Invariant($"The peer did not answer a ping; nothing was received for {silence.TotalSeconds:0} s."), MtaTlsSessionEnd.LimitExceeded, MtaTlsSessionLimit.KeepAliveTimeout,
            new TimeoutException()));
    }

    /// <summary>Opens that wait for their answer are told: nothing was sent for them that another session could not send as well.</summary>
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
            open.TrySetException(new MtaTlsSessionException("The peer has stopped answering; the session is being probed."));
        }
    }

    /// <summary>Fails the own opens that have waited too long.</summary>
    /// <returns>When the oldest one began that still waits; null: there is none.</returns>
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
                if (open.TrySetException(new MtaTlsChannelException($"The peer has not answered the open within OpenTimeout ({timeout}).", new TimeoutException())))
                {
                    _session.Counters.CountExceeded(MtaTlsSessionLimit.OpenTimeout);
                }
            }
        }
        return oldest;
    }

    /// <summary>Sends a signal.</summary>
    public PendingOpen Begin(string name, int port)
    {
        lock (_registry.Gate)
        {
            if (_registry.State == SessionState.Ended)
            {
                throw new MtaTlsSessionException("The session has ended.");
            }

            // A peer that accepts a signal makes a channel of it for a moment, which has to be counted like any other.
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

    /// <summary>The peer has answered a signal. The read loop's.</summary>
    public void OnAnswered(PendingOpen signal)
    {
        signal.RoundTrip = _time.GetElapsedTime(signal.Begun);
        if (signal.Destination.Port == 0 && signal.Destination.Host == SignalNames.PingName)
        {
            _session.Liveness.OnPingAnswered();
            _pingAnswered?.Invoke(signal.RoundTrip);
        }
    }

    /// <summary>Whether a request is a signal, which is answered here: it is no open, so it is neither logged nor counted as one. The read loop's.</summary>
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
                throw new MtaTlsProtocolException("A ChannelEstablishmentRequest has the sender_channel_id of one that waits for its answer.");
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
