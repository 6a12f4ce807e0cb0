namespace MtaTls.Protocol;

/// <summary>
/// What this end allows the peer to send on a channel (section 2.2), and what is reserved for it in the receive budgets. Guarded by the channel's lock.
/// </summary>
/// <remarks>
/// All positions are bytes since the channel's start. The peer may send up to <see cref="Limit"/>; the limit wanted is what was examined plus the window's size. What counts against the
/// budgets is Limit - consumed: credit outstanding and bytes not yet consumed. It never exceeds what is reserved.
/// </remarks>
internal struct ReceiveWindow
{
    /// <summary>The round trip that is assumed at least: on a shorter one a small window holds nobody back, but each of its Acknowledgments wakes both ends.</summary>
    private static readonly TimeSpan s_leastRoundTrip = TimeSpan.FromMilliseconds(1);

    private readonly int _maxSize;
    private long _reserved;
    private long _epochStart;
    private long _epochExamined;
    private long _probeLimit;
    private long _probeStart;

    /// <summary>Starts with a first window that is reserved already.</summary>
    public ReceiveWindow(int firstWindow, int maxSize, int maxPacketLength)
    {
        Limit = Size = firstWindow;
        _reserved = firstWindow;
        _maxSize = maxSize;
        MaxPacketLength = Math.Min(maxPacketLength, firstWindow - 1);
    }

    /// <summary>All credit ever granted.</summary>
    public long Limit { get; private set; }

    /// <summary>The window's size: how much may be outstanding and unexamined.</summary>
    public int Size { get; private set; }

    /// <summary>The highest max_packet_length that was announced; it is what is enforced.</summary>
    public int MaxPacketLength { get; private set; }

    public readonly long Reserved => _reserved;

    /// <summary>Whether enough was examined to be worth an Acknowledgment at once: a quarter of the window.</summary>
    public readonly bool IsDue(long examined) => Size + examined - Limit >= Size / 4;

    /// <summary>Whether anything was examined that was not acknowledged.</summary>
    public readonly bool IsOwed(long examined) => Size + examined > Limit;

    /// <summary>Notes that bytes have arrived up to a position: ends a measurement of the round trip.</summary>
    public void Received(long received, RoundTrip roundTrip)
    {
        if (_probeStart == 0 || received <= _probeLimit)
        {
            return;
        }

        roundTrip.Measured(roundTrip.Now - _probeStart);
        _probeStart = 0;
    }

    /// <summary>Grants what was examined and not granted before, as far as the budgets have room, growing the window where that pays.</summary>
    /// <param name="examined">The position up to which the application has examined.</param>
    /// <param name="consumed">The position up to which it has consumed.</param>
    /// <param name="budget">The session's budget.</param>
    /// <param name="roundTrip">The session's round trip.</param>
    /// <returns>The increment for an Acknowledgment; 0: nothing to grant.</returns>
    public uint Grant(long examined, long consumed, SessionReceiveBudget budget, RoundTrip roundTrip)
    {
        long now = roundTrip.Now;
        GrowIfWorthwhile(examined, now, budget, roundTrip);

        long increment = Math.Min(Size + examined - Limit, uint.MaxValue);
        long needed = Limit + increment - consumed;
        if (needed > _reserved)
        {
            _reserved += budget.Reserve(needed - _reserved);
            increment = Math.Min(increment, _reserved - (Limit - consumed));
        }
        if (increment <= 0)
        {
            return 0;
        }

        if (_probeStart == 0)
        {
            (_probeLimit, _probeStart) = (Limit, now);
        }

        Limit += increment;

        // What a large message needed beyond the window, examined but not consumed, is given back once it was consumed.
        long excess = _reserved - Math.Max(Size, Limit - consumed);
        if (excess > 0)
        {
            _reserved -= excess;
            budget.Release(excess);
        }
        return (uint)increment;
    }

    /// <summary>Raises max_packet_length where a window that has grown allows it.</summary>
    /// <param name="received">The position up to which bytes have arrived.</param>
    /// <param name="wanted">The session's max_packet_length.</param>
    /// <returns>The value for a NewMaxPacketLength, smaller than the free space; 0: no change.</returns>
    public int RaiseMaxPacketLength(long received, int wanted)
    {
        if (MaxPacketLength >= wanted)
        {
            return 0;
        }

        int possible = (int)Math.Min(wanted, Limit - received - 1);
        if (possible < wanted && possible < 2L * MaxPacketLength)
        {
            return 0;
        }

        return MaxPacketLength = possible;
    }

    /// <summary>Takes all that is reserved out of the window, to be given back.</summary>
    public long TakeReserved()
    {
        long reserved = _reserved;
        _reserved = 0;
        return reserved;
    }

    /// <summary>
    /// Doubles the window when at least half of it was examined faster than four round trips would bring a whole one: then the window, not the application,
    /// is what holds the sender back. A slow reader's window stays. Growth leaves half of what is unreserved to others.
    /// </summary>
    private void GrowIfWorthwhile(long examined, long now, SessionReceiveBudget budget, RoundTrip roundTrip)
    {
        long delivered = examined - _epochExamined;
        if (delivered < Size / 2)
        {
            return;
        }

        long elapsed = now - _epochStart;
        bool first = _epochStart == 0;
        (_epochStart, _epochExamined) = (now, examined);
        if (first || Size >= _maxSize || roundTrip.Shortest == long.MaxValue)
        {
            return;
        }

        if (elapsed >= 4.0 * Math.Max(roundTrip.Shortest, roundTrip.TicksOf(s_leastRoundTrip)) * delivered / Size)
        {
            return;
        }

        long growth = Math.Min(Math.Min(Size, _maxSize - Size), budget.Unreserved / 2);
        if (growth <= 0)
        {
            return;
        }

        growth = budget.Reserve(growth);
        _reserved += growth;
        Size += (int)growth;
    }
}
