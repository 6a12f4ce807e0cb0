using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace MtaTls.Protocol;

/// <summary>
/// Decides what is sent next, and sends it: control packets before data, then the channels that have data in turn, one packet each. One flush when nothing is left or
/// after <see cref="_flushThreshold"/> octets.
/// </summary>
/// <remarks>The lock guards the queues. It is the innermost: under it no other is taken.</remarks>
internal sealed class SendScheduler : IReleaseWaiter, IDisposable
{
    /// <summary>The most octets of data that a channel sends before the next has its turn: with the header, a full TLS record.</summary>
    private const int Quantum = 16 * 1024 - PacketHeader.DataSize;

    /// <summary>Packets shorter than this share a record.</summary>
    private const int GatherBelow = 4 * 1024;

    /// <summary>What is written before a flush: the more, the cheaper, but on a slow connection what comes next waits for all of it.</summary>
    private const int MinFlushThreshold = 16 * 1024, MaxFlushThreshold = 64 * 1024;

    private const int Nobody = 0, Everybody = -1;

    /// <summary>The longest that a flush should keep the loop from what comes next.</summary>
    private static readonly TimeSpan s_longFlush = TimeSpan.FromMilliseconds(1);

    /// <summary>How long a flush may take before the peer counts as one that does not read. It matters only when the send budgets are exceeded.</summary>
    private static readonly TimeSpan s_stuckFlush = TimeSpan.FromSeconds(1);

    /// <summary>How long an acknowledgment that could wait waits for company.</summary>
    private static readonly TimeSpan s_acknowledgmentDelay = TimeSpan.FromMilliseconds(10);

    /// <summary>How long those that could wait are held back after some were sent: else busy channels would answer every short packet with one.</summary>
    private static readonly TimeSpan s_acknowledgmentPause = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly MtaTlsSession _session;
    private readonly IMtaTlsTransport _transport;
    private readonly TimeProvider _time;
    private readonly WakeSignal _wake = new();
    private readonly ITimer _lateTimer;
    private readonly ITimer _stallTimer;
    private readonly Queue<ControlItem> _control = new();
    private Queue<MtaTlsChannel> _late = new();
    private Queue<MtaTlsChannel> _lateSpare = new();
    private readonly Queue<MtaTlsChannel> _starved = new();
    private MtaTlsChannel? _firstReady;
    private MtaTlsChannel? _lastReady;
    private int _answers;
    private bool _sleeping;
    private volatile int _corked;   // Nobody, Everybody, or the id of the only thread that is
    private bool _lateArmed;    // the timer runs
    private bool _lateSoon;     // and ends a delay, not a pause
    private bool _latePaused;
    private bool _lateDue;
    private bool _completing;
    private bool _stopped;
    private long _flushBegan;   // 0: no flush waits for the peer
    private int _unflushed;
    private int _flushThreshold = MaxFlushThreshold;

    public SendScheduler(MtaTlsSession session, IMtaTlsTransport transport, TimeProvider time)
    {
        _session = session;
        _transport = transport;
        _time = time;
        _stallTimer = time.CreateTimer(static scheduler => ((SendScheduler)scheduler!).OnFlushWaits(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _lateTimer = time.CreateTimer(static scheduler => ((SendScheduler)scheduler!).OnLateTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether a flush has waited for the peer for a while.</summary>
    public bool IsStuck => Volatile.Read(ref _flushBegan) is not 0 and long began && _time.GetElapsedTime(began) >= s_stuckFlush;

    /// <summary>Whether the loop waits to be woken.</summary>
    public bool IsAsleep
    {
        get
        {
            lock (_lock)
            {
                return _sleeping;
            }
        }
    }

    /// <summary>Whether the own direction was ended in order, after <see cref="Complete"/>.</summary>
    public bool HasCompleted { get; private set; }

    private enum ControlKind
    {
        Request,
        Success,
        Refusal,
        CloseRequest,
        Confirmation,
        Acknowledgment,
    }

    // ----- what is to be sent; any thread -----

    /// <summary>Queues a channel that has data and window. It is in the queue at most once: the channel keeps note of it.</summary>
    public void EnqueueReady(MtaTlsChannel channel)
    {
        bool wake;
        lock (_lock)
        {
            Append(channel);
            wake = TakeSleeper();
        }
        if (wake)
        {
            _wake.Set();
        }
    }

    public void EnqueueRequest(byte[] packet) => Enqueue(new(ControlKind.Request, null, packet));

    public void EnqueueSuccess(MtaTlsChannel channel) => Enqueue(new(ControlKind.Success, channel, null));

    public void EnqueueRefusal(byte[] packet) => Enqueue(new(ControlKind.Refusal, null, packet));

    public void EnqueueCloseRequest(MtaTlsChannel channel) => Enqueue(new(ControlKind.CloseRequest, channel, null));

    public void EnqueueConfirmation(MtaTlsChannel channel) => Enqueue(new(ControlKind.Confirmation, channel, null));

    /// <summary>Queues the channel's acknowledgment; how much it grants is decided when it is sent, so that one waits at most.</summary>
    public void EnqueueAcknowledgment(MtaTlsChannel channel) => Enqueue(new(ControlKind.Acknowledgment, channel, null));

    /// <summary>Queues an acknowledgment that may wait for the next flush, or for a moment: it alone is not worth a record.</summary>
    public void EnqueueLateAcknowledgment(MtaTlsChannel channel)
    {
        lock (_lock)
        {
            if (!_stopped)
            {
                EnqueueLate(channel, urgent: false);
            }
        }
    }

    /// <summary>Queues an acknowledgment that found the budgets used up: it is late as soon as octets have come back to them.</summary>
    public void EnqueueStarvedAcknowledgment(MtaTlsChannel channel)
    {
        lock (_lock)
        {
            if (_stopped)
            {
                return;
            }

            _starved.Enqueue(channel);
            if (_starved.Count > 1)
            {
                return;
            }
        }
        _session.Budget.WaitForRelease(this);
    }

    void IReleaseWaiter.OctetsReleased()
    {
        lock (_lock)
        {
            // With all that comes back until the timer is due: a window in small change is worth no packets.
            while (_starved.TryDequeue(out MtaTlsChannel? channel))
            {
                EnqueueLate(channel, urgent: true);
            }
        }
    }

    /// <param name="channel">Whose.</param>
    /// <param name="urgent">Whether not to wait for the end of a pause: the peer may be waiting.</param>
    // Under the lock.
    private void EnqueueLate(MtaTlsChannel channel, bool urgent)
    {
        _late.Enqueue(channel);
        if (_lateArmed && (_lateSoon || !urgent))
        {
            return;
        }

        _lateArmed = _lateSoon = true;
        _lateTimer.Change(s_acknowledgmentDelay, Timeout.InfiniteTimeSpan);
    }

    /// <summary>What anybody queues from here on does not wake the loop: the read loop has more packets, whose answers are to share a flush.</summary>
    public void Cork() => _corked = Everybody;

    /// <summary>From here on only what this thread queues does not: it runs the application's code, for which no other channel is to wait.</summary>
    public void CorkThisThreadOnly() => _corked = Environment.CurrentManagedThreadId;

    /// <summary>Sends what was queued meanwhile.</summary>
    public void Uncork()
    {
        bool wake;
        lock (_lock)
        {
            _corked = Nobody;
            wake = HasWork && TakeSleeper();
        }
        if (wake)
        {
            _wake.Set();
        }
    }

    /// <summary>Sends what is queued, then ends the own direction in order.</summary>
    public void Complete()
    {
        bool wake;
        lock (_lock)
        {
            _completing = true;
            wake = TakeSleeper(always: true);
        }
        if (wake)
        {
            _wake.Set();
        }
    }

    /// <summary>Sends nothing more.</summary>
    public void Stop()
    {
        bool wake;
        lock (_lock)
        {
            _stopped = true;
            wake = TakeSleeper(always: true);
        }
        if (wake)
        {
            _wake.Set();
        }
    }

    public void Dispose()
    {
        _lateTimer.Dispose();
        _stallTimer.Dispose();
    }

    private void Enqueue(ControlItem item)
    {
        bool wake;
        bool tooMany = false;
        lock (_lock)
        {
            if (_stopped)
            {
                return;
            }

            _control.Enqueue(item);
            if (item.IsAnswer)
            {
                _stopped = tooMany = ++_answers > _session.Limits.MaxQueuedAnswers;
            }
            // A read that causes many answers must not reach their limit by itself.
            wake = TakeSleeper(always: 4 * _answers > _session.Limits.MaxQueuedAnswers);
        }
        if (tooMany)
        {
            // Not here: the caller holds a lock, and an abort reaches everything.
            _session.Counters.CountExceeded(MtaTlsSessionLimit.MaxQueuedAnswers);
            ThreadPool.UnsafeQueueUserWorkItem(
                static session => session.Abort(new MtaTlsSessionException("The peer does not read the answers that it causes.")), _session, preferLocal: false);
        }
        if (wake)
        {
            _wake.Set();
        }
    }

    // Under the lock.
    private bool HasWork => _control.Count > 0 || _firstReady is not null || _lateDue;

    // Under the lock.
    private bool TakeSleeper(bool always = false)
    {
        int corked = _corked;
        if (!_sleeping || (!always && (corked == Everybody || corked == Environment.CurrentManagedThreadId)))
        {
            return false;
        }

        _sleeping = false;
        return true;
    }

    private void OnLateTimer()
    {
        bool wake;
        lock (_lock)
        {
            _lateArmed = _lateSoon = _latePaused = false;
            _lateDue = _late.Count > 0;
            wake = _lateDue && TakeSleeper();
        }
        if (wake)
        {
            _wake.Set();
        }
    }

    // ----- the send loop -----

    /// <summary>Runs until <see cref="Stop"/>, until <see cref="Complete"/> has been carried out, or until the transport fails.</summary>
    public async Task RunAsync()
    {
        while (true)
        {
            bool idle = WriteUntilFlush();
            if (_unflushed > 0)
            {
                await FlushAsync().ConfigureAwait(false);
            }

            if (!idle)
            {
                continue;
            }

            switch (Sleep())
            {
                case Next.Wait:
                    await _wake.WaitAsync().ConfigureAwait(false);
                    break;
                case Next.Complete:
                    HasCompleted = true;
                    await _transport.CompleteAsync().ConfigureAwait(false);
                    return;
                case Next.Stop:
                    return;
            }
        }
    }

    /// <summary>The peer may take as long as <see cref="MtaTlsSessionLimits.WriteStallTimeout"/> to make room for one flush.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask FlushAsync()
    {
        bool isFull = _unflushed >= _flushThreshold, isLong = false;
        _unflushed = 0;
        ValueTask flush = _transport.FlushAsync();
        if (flush.IsCompleted)
        {
            await flush.ConfigureAwait(false);
        }
        else
        {
            long begin = _time.GetTimestamp();
            Volatile.Write(ref _flushBegan, begin);
            _stallTimer.Change(s_stuckFlush, s_stuckFlush);
            await flush.ConfigureAwait(false);
            Volatile.Write(ref _flushBegan, 0);
            _stallTimer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            isLong = _time.GetElapsedTime(begin) > s_longFlush;
        }
        if (isLong)
        {
            _flushThreshold = MinFlushThreshold;
        }
        else if (isFull)
        {
            _flushThreshold = Math.Min(2 * _flushThreshold, MaxFlushThreshold);
        }
    }

    /// <summary>Each second while a flush waits for the peer.</summary>
    private void OnFlushWaits()
    {
        if (Volatile.Read(ref _flushBegan) is not (not 0 and long began))
        {
            return;
        }

        if (_session.SendBudget.IsExceeded)
        {
            _session.CloseStuckChannels();
        }

        TimeSpan limit = _session.Limits.WriteStallTimeout;
        if (limit == Timeout.InfiniteTimeSpan || _time.GetElapsedTime(began) < limit)
        {
            return;
        }

        _session.Counters.CountExceeded(MtaTlsSessionLimit.WriteStallTimeout);
        _session.Abort(new MtaTlsSessionException("The peer does not read: nothing could be sent for too long."));
    }

    private enum Next
    {
        Go,
        Wait,
        Complete,
        Stop,
    }

    private Next Sleep()
    {
        lock (_lock)
        {
            if (_stopped)
            {
                return Next.Stop;
            }

            if (HasWork)
            {
                return Next.Go;
            }

            if (_completing)
            {
                _stopped = true;   // what is queued from here on can no longer be sent
                return Next.Complete;
            }
            _wake.Reset();
            _sleeping = true;
            return Next.Wait;
        }
    }

    /// <summary>Writes until a flush is due.</summary>
    /// <returns>Whether nothing is left.</returns>
    private bool WriteUntilFlush()
    {
        // They have waited long enough for company, also when there is always something else to send.
        if (Volatile.Read(ref _lateDue))
        {
            WriteLateAcknowledgments();
        }

        while (_unflushed < _flushThreshold)
        {
            ControlItem control;
            MtaTlsChannel? ready = null;
            lock (_lock)
            {
                if (_stopped)
                {
                    return true;
                }

                if (_control.TryDequeue(out control))
                {
                    if (control.IsAnswer)
                    {
                        _answers--;
                    }

                    if (_control.Count == 0 && _control.Capacity > 1024)
                    {
                        _control.TrimExcess();
                    }
                }
                else
                {
                    ready = TakeReady();
                    if (ready is null)
                    {
                        break;
                    }
                }
            }
            if (ready is null)
            {
                Write(control);
            }
            else
            {
                WriteData(ready);
            }
        }
        if (_unflushed >= _flushThreshold)
        {
            return false;
        }

        if (!Volatile.Read(ref _latePaused))
        {
            WriteLateAcknowledgments();
        }

        return true;
    }

    private void WriteData(MtaTlsChannel channel)
    {
        int sent = channel.SendPacket(_transport, Quantum, GatherBelow, out bool more);
        if (sent > 0)
        {
            Count(PacketHeader.DataSize + sent);
            _session.Counters.BytesSent += sent;
        }
        if (!more)
        {
            return;
        }

        lock (_lock)
        {
            Append(channel);
        }
    }

    private void WriteLateAcknowledgments()
    {
        lock (_lock)
        {
            _lateDue = false;
            if (_late.Count == 0)
            {
                return;
            }

            (_late, _lateSpare) = (_lateSpare, _late);
            _latePaused = _lateArmed = true;
            _lateSoon = false;
            _lateTimer.Change(s_acknowledgmentPause, Timeout.InfiniteTimeSpan);
        }
        while (_lateSpare.TryDequeue(out MtaTlsChannel? channel))
        {
            WriteAcknowledgment(channel, late: true);
        }
    }

    private void Write(ControlItem item)
    {
        switch (item.Kind)
        {
            case ControlKind.Request or ControlKind.Refusal:
                WritePacket(item.Packet);
                break;
            case ControlKind.Success:
                MtaTlsChannel channel = item.Channel!;
                channel.Announce();
                Advance(new ChannelEstablishmentSuccess(channel.Id, channel.FirstWindow, channel.FirstMaxPacketLength).Write(Room(ChannelEstablishmentSuccess.Size)));
                break;
            case ControlKind.CloseRequest:
                item.Channel!.WriteCloseRequest();
                Advance(new ChannelCloseRequest(item.Channel!.Id).Write(Room(ChannelCloseRequest.Size)));
                break;
            case ControlKind.Confirmation:
                Advance(new ChannelCloseConfirmation(item.Channel!.Id).Write(Room(ChannelCloseConfirmation.Size)));
                break;
            case ControlKind.Acknowledgment:
                WriteAcknowledgment(item.Channel!, late: false);
                break;
            default:
                throw new UnreachableException();
        }
    }

    private void WriteAcknowledgment(MtaTlsChannel channel, bool late)
    {
        channel.TakeAcknowledgment(late, out uint freeSpace, out int maxPacketLength);
        if (freeSpace == 0)
        {
            return;
        }

        Advance(new Acknowledgment(channel.Id, freeSpace).Write(Room(Acknowledgment.Size)));
        if (maxPacketLength > 0)
        {
            Advance(new NewMaxPacketLength(channel.Id, (uint)maxPacketLength).Write(Room(NewMaxPacketLength.Size)));
        }
    }

    private void WritePacket(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < GatherBelow)
        {
            packet.CopyTo(Room(packet.Length));
            Advance(packet.Length);
            return;
        }
        _transport.Write(packet);
        Count(packet.Length);
    }

    private Span<byte> Room(int size) => _transport.GetMemory(size).Span;

    private void Advance(int written)
    {
        _transport.Advance(written);
        Count(written);
    }

    private void Count(int written)
    {
        _unflushed += written;
        _session.Counters.PacketsSent++;
    }

    private void Append(MtaTlsChannel channel)
    {
        if (_lastReady is null)
        {
            _firstReady = channel;
        }
        else
        {
            _lastReady.NextReady = channel;
        }

        _lastReady = channel;
    }

    private MtaTlsChannel? TakeReady()
    {
        MtaTlsChannel? first = _firstReady;
        if (first is null)
        {
            return null;
        }

        _firstReady = first.NextReady;
        if (_firstReady is null)
        {
            _lastReady = null;
        }

        first.NextReady = null;
        return first;
    }

    /// <summary>A control packet to be sent: of a channel, or complete as it is.</summary>
    private readonly record struct ControlItem(ControlKind Kind, MtaTlsChannel? Channel, byte[]? Packet)
    {
        /// <summary>Whether the peer alone decides how many of these there are.</summary>
        public bool IsAnswer => Kind is ControlKind.Refusal or ControlKind.Confirmation;
    }
}
