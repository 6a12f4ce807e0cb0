namespace MtaTls.Protocol;

/// <content>Signals: opens to names that cannot exist (docs/mta-tls-wire.md, "Signals"), and what this end concludes from the answers.</content>
public sealed partial class MtaTlsSession
{
    private const string SignalReceived = "Received";
    private const string TooManySignals = "Too many signals";

    private readonly EventRate? _signals;
    private readonly Action<TimeSpan>? _goAwayReceived;
    private readonly Action<TimeSpan>? _pingAnswered;
    private readonly Action? _suspected;
    private long _pingsReceived;
    private volatile bool _peerGoesAway;

    /// <summary>Whether the peer has said that it will stop: open channels go on, new ones belong on another session.</summary>
    public bool IsPeerGoingAway => _peerGoesAway;

    /// <summary>Whether the peer is silent: a ping has waited for its answer for a second, and nothing else has come since. Ends with the next byte that arrives.</summary>
    public bool IsSuspected => Liveness.IsSuspected;

    /// <summary>When pings are sent. It may change while the session runs, as when the session turns out to be one that the other end opens channels on.</summary>
    /// <value>Default: <see cref="MtaTlsSessionOptions.KeepAlivePolicy"/>.</value>
    public MtaTlsKeepAlivePolicy KeepAlivePolicy
    {
        get => Liveness.Policy;
        set => Liveness.Policy = value;
    }

    internal SessionLiveness Liveness { get; }

    /// <summary>Whether any channel is open, being opened or asked for.</summary>
    internal bool HasChannels
    {
        get
        {
            lock (_gate)
            {
                return _channels + _table.PeerOpens + _table.OwnOpenCount > 0;
            }
        }
    }

    /// <summary>
    /// Sends a ping, an open to <c>ping.mta-tls.invalid</c> (section 2.1.1), and waits for the answer. Every answer counts: a peer that does not know the name refuses as well.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The round trip.</returns>
    /// <exception cref="MtaTlsSessionException">The session has ended, or ends before the answer.</exception>
    /// <exception cref="MtaTlsChannelRefusedException">A limit of this end forbids another open.</exception>
    public async ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken = default)
    {
        PendingOpen ping = BeginSignal(SignalNames.PingName, 0);
        await ping.WaitAsync(cancellationToken).ConfigureAwait(false);
        return ping.RoundTrip;
    }

    /// <summary>
    /// Tells the peer that this end will stop, by an open to <c>go-away.mta-tls.invalid</c> whose port is the time in seconds (section 2.1.1): the peer then opens channels on other sessions.
    /// Channels that are open go on, and opens of a peer that does not know the signal are still served.
    /// </summary>
    /// <param name="stopsIn">When this end stops; whole seconds, at most 65,535, are sent.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    /// <exception cref="MtaTlsSessionException">The session has ended, or ends before the answer.</exception>
    /// <exception cref="MtaTlsChannelRefusedException">A limit of this end forbids another open.</exception>
    public async ValueTask GoAwayAsync(TimeSpan stopsIn, CancellationToken cancellationToken = default)
    {
        int seconds = (int)Math.Clamp(Math.Ceiling(stopsIn.TotalSeconds), 0, ushort.MaxValue);
        await BeginSignal(SignalNames.GoAwayName, seconds).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Asks now whether the peer is still there, as after a suspend of this machine. Without an answer the session ends. Does nothing where <see cref="KeepAlivePolicy"/> is Never.
    /// </summary>
    /// <param name="timeout">How long the peer may take. Range: more than zero.</param>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public void Probe(TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        Liveness.Probe(timeout);
    }

    internal bool TrySendPing()
    {
        try
        {
            BeginSignal(SignalNames.PingName, 0);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>The peer has not answered in time: the session is left.</summary>
    internal void PeerIsSilent(TimeSpan silence)
    {
        Counters.CountExceeded(MtaTlsSessionLimit.KeepAliveTimeout);
        Abort(new MtaTlsSessionException(
            FormattableString.Invariant($"The peer did not answer a ping; nothing was received for {silence.TotalSeconds:0} s."), MtaTlsSessionEnd.LimitExceeded, MtaTlsSessionLimit.KeepAliveTimeout,
            new TimeoutException()));
    }

    /// <summary>Opens that wait for their answer are told: nothing was sent for them that another session could not send as well.</summary>
    internal void OnSuspected()
    {
        PendingOpen[] opens;
        lock (_gate)
        {
            opens = [.. _table.OwnOpens.Where(static open => !open.IsSignal)];
        }
        _suspected?.Invoke();
        foreach (PendingOpen open in opens)
        {
            open.TrySetException(new MtaTlsSessionException("The peer has stopped answering; the session is being probed."));
        }
    }

    /// <summary>Fails the own opens that have waited too long.</summary>
    /// <returns>When the oldest one began that still waits; null: there is none.</returns>
    internal long? ExpireOpens(long now, TimeSpan timeout)
    {
        List<PendingOpen>? expired = null;
        long? oldest = null;
        lock (_gate)
        {
            foreach (PendingOpen open in _table.OwnOpens)
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
                    Counters.CountExceeded(MtaTlsSessionLimit.OpenTimeout);
                }
            }
        }
        return oldest;
    }

    private PendingOpen BeginSignal(string name, int port)
    {
        lock (_gate)
        {
            if (_state == SessionState.Ended)
            {
                throw new MtaTlsSessionException("The session has ended.");
            }

            // A peer that accepts a signal makes a channel of it for a moment, which has to be counted like any other.
            int firstWindow = Budget.ReserveFirst(0);
            if (firstWindow == 0)
            {
                throw new MtaTlsChannelRefusedException(NoBuffers, isLocal: true);
            }

            var signal = new PendingOpen(new ChannelAddress("0.0.0.0", 0), new ChannelAddress(name, port), firstWindow) { IsSignal = true, Begun = _time.GetTimestamp() };
            if (!_table.TryAddOwnOpen(signal))
            {
                Budget.ReleaseAll(firstWindow);
                throw new MtaTlsChannelRefusedException(TooManyPending, isLocal: true);
            }

            Queue.EnqueueRequest(RequestPacket(signal, SignalNames.Window, SignalNames.MaxPacketLength));
            return signal;
        }
    }

    private void OnSignalAnswered(PendingOpen signal)
    {
        signal.RoundTrip = _time.GetElapsedTime(signal.Begun);
        if (signal.Destination.Port == 0 && signal.Destination.Host == SignalNames.PingName)
        {
            Liveness.OnPingAnswered();
            _pingAnswered?.Invoke(signal.RoundTrip);
        }
    }

    /// <summary>Whether a request is a signal, which is answered here: it is no open, so it is neither logged nor counted as one.</summary>
    private bool TryAnswerSignal(ChannelEstablishmentRequest packet)
    {
        bool isPing = SignalNames.Is(packet.DestinationAddressMachine, SignalNames.Ping);
        if (!isPing && !SignalNames.Is(packet.DestinationAddressMachine, SignalNames.GoAway))
        {
            return false;
        }

        bool tooMany = _signals?.TryTake() == false;
        lock (_gate)
        {
            if (_table.HasPeerOpen(packet.SenderChannelId))
            {
                throw new MtaTlsProtocolException("A ChannelEstablishmentRequest has the sender_channel_id of one that waits for its answer.");
            }

            if (tooMany)
            {
                Counters.CountExceeded(MtaTlsSessionLimit.MaxSignalsPerSecond);
                Counters.CountRefused();
            }
            EnqueueEchec(packet.SenderChannelId, tooMany ? TooManySignals : SignalReceived);
        }
        if (tooMany)
        {
            CountEmptyPacket();
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
