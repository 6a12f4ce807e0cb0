namespace MtaTls.Protocol;

/// <summary>
/// The window that this end grants the peer on a channel (section 2.2), and the bytes that are reserved for it in the receive budgets. Guarded by the channel's lock.
/// </summary>
/// <remarks>
/// All positions are bytes since the channel's start. The peer can send up to position <see cref="Limit"/>. The goal for it is the examined position plus the window's size.
/// Limit - consumed counts against the budgets: it is the granted bytes that have not arrived plus the bytes that were not consumed. It never exceeds the reserved bytes.
/// </remarks>
internal struct ReceiveWindow
{
    /// <summary>The shortest round trip to calculate with. On a shorter one a small window does not slow the sender, but its many Acknowledgments wake both ends.</summary>
    private static readonly TimeSpan s_leastRoundTrip = TimeSpan.FromMilliseconds(1);

    private readonly int _maxSize;
    private long _reserved;
    private long _epochStart;
    private long _epochExamined;
    private long _probeLimit;
    private long _probeStart;

    /// <summary>Creates a window whose first size is reserved already.</summary>
    public ReceiveWindow(int firstWindow, int maxSize, int maxPacketLength)
    {
        Limit = Size = firstWindow;
        _reserved = firstWindow;
        _maxSize = maxSize;
        MaxPacketLength = Math.Min(maxPacketLength, firstWindow - 1);
    }

    /// <summary>The position up to which the peer can send: the sum of all granted bytes.</summary>
    public long Limit { get; private set; }

    /// <summary>The window's size: the most bytes that are granted and not yet examined.</summary>
    public int Size { get; private set; }

    /// <summary>The highest max_packet_length that was announced. This value is enforced, because the peer may not have read a lower one yet.</summary>
    public int MaxPacketLength { get; private set; }

    public readonly long Reserved => _reserved;

    /// <summary>Whether enough bytes were examined for an Acknowledgment at once: a quarter of the window.</summary>
    public readonly bool IsDue(long examined) => Size + examined - Limit >= Size / 4;

    /// <summary>Whether any examined bytes were not acknowledged yet.</summary>
    public readonly bool IsOwed(long examined) => Size + examined > Limit;

    /// <summary>Bytes have arrived up to a position. That may end a measurement of the round trip.</summary>
    public void Received(long received, RoundTrip roundTrip)
    {
        if (_probeStart == 0 || received <= _probeLimit)
        {
            return;
        }

        roundTrip.Measured(roundTrip.Now - _probeStart);
        _probeStart = 0;
    }

    /// <summary>Grants the bytes that were examined and not granted before, as far as the budgets have room. Grows the window first where it limits the throughput.</summary>
    /// <param name="examined">The position up to which the application has examined.</param>
    /// <param name="consumed">The position up to which it has consumed.</param>
    /// <param name="budget">The session's budget.</param>
    /// <param name="roundTrip">The session's round trip.</param>
    /// <returns>The increment for an Acknowledgment; 0 when there is nothing to grant.</returns>
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

        // A message larger than the window needed more (examined, not consumed). Release that after it was consumed.
        long excess = _reserved - Math.Max(Size, Limit - consumed);
        if (excess > 0)
        {
            _reserved -= excess;
            budget.Release(excess);
        }
        return (uint)increment;
    }

    /// <summary>Raises max_packet_length after the window has grown.</summary>
    /// <param name="received">The position up to which bytes have arrived.</param>
    /// <param name="wanted">The session's max_packet_length.</param>
    /// <returns>The value for a NewMaxPacketLength, smaller than the free space; 0 when nothing changes.</returns>
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

    /// <summary>Hands over all reserved bytes. The caller releases them to the budgets.</summary>
    public long TakeReserved()
    {
        long reserved = _reserved;
        _reserved = 0;
        return reserved;
    }

    /// <summary>
    /// Doubles the window when the application examined at least half of it, faster than a full window in four round trips: then the window slows the sender, not the application.
    /// A slow reader's window does not grow. Growth takes at most half of the unreserved bytes.
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
