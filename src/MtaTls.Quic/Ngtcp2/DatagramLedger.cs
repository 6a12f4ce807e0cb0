using System.Numerics;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>
/// The sent datagrams of one connection that are neither acknowledged nor lost yet, by their ids for ngtcp2. Ids count up, so a ring buffer finds them. The buffer is small and grows when
/// needed. Used on the loop's thread only.
/// </summary>
internal sealed class DatagramLedger
{
    private const int Least = 16, Most = 32 * 1024;

    private Entry[] _ring = new Entry[Least];
    private ulong _first = 1, _next = 1;

    /// <summary>The id of the next datagram to send.</summary>
    public ulong NextId => _next;

    /// <summary>The number of pending datagrams: neither acknowledged nor lost.</summary>
    public int Pending { get; private set; }

    /// <summary>Adds the datagram that was sent with the id <see cref="NextId"/>. When the ring is full, the oldest entry makes room and is returned.</summary>
    public Entry Add(int length, ulong sentAt, DatagramSlot? slot, long delivered, ulong deliveredAt, bool isLimited)
    {
        Entry forgotten = default;
        if ((int)(_next - _first) == _ring.Length && !TryGrow())
        {
            TryResolve(_first, out forgotten);
        }

        _ring[(int)(_next++ & (ulong)(_ring.Length - 1))] = new Entry(length, sentAt, slot, delivered, deliveredAt, isLimited, IsPending: true);
        Pending++;
        return forgotten;
    }

    /// <summary>Removes a datagram that was acknowledged or lost. False if the id is unknown or was removed before.</summary>
    public bool TryResolve(ulong id, out Entry entry)
    {
        entry = default;
        if (id < _first || id >= _next)
        {
            return false;
        }

        ref Entry place = ref _ring[(int)(id & (ulong)(_ring.Length - 1))];
        if (!place.IsPending)
        {
            return false;
        }

        entry = place;
        place = default;
        Pending--;
        while (_first < _next && !_ring[(int)(_first & (ulong)(_ring.Length - 1))].IsPending)
        {
            _first++;
        }

        return true;
    }

    /// <summary>Passes the slots of all pending datagrams to <paramref name="take"/>, oldest first. The datagrams stay pending, without their slots.</summary>
    public void TakeSlots(Action<DatagramSlot> take)
    {
        for (ulong id = _first; id < _next; id++)
        {
            ref Entry entry = ref _ring[(int)(id & (ulong)(_ring.Length - 1))];
            if (entry.Slot is { } slot)
            {
                entry = entry with { Slot = null };
                take(slot);
            }
        }
    }

    /// <summary>Gets the oldest pending datagram. False if there is none.</summary>
    public bool TryPeek(out ulong id, out Entry entry)
    {
        id = _first;
        entry = _first < _next ? _ring[(int)(_first & (ulong)(_ring.Length - 1))] : default;
        return _first < _next;
    }

    private bool TryGrow()
    {
        if (_ring.Length >= Most)
        {
            return false;
        }

        var ring = new Entry[BitOperations.RoundUpToPowerOf2((uint)(_ring.Length * 2))];
        for (ulong id = _first; id < _next; id++)
        {
            ring[(int)(id & (ulong)(ring.Length - 1))] = _ring[(int)(id & (ulong)(_ring.Length - 1))];
        }

        _ring = ring;
        return true;
    }

    /// <summary>One sent datagram.</summary>
    /// <param name="Length">Its length in bytes.</param>
    /// <param name="SentAt">When it was sent, in the loop's nanoseconds.</param>
    /// <param name="Slot">Its content, if it came from a source; null otherwise.</param>
    /// <param name="Delivered">The bytes that the connection had delivered when it was sent.</param>
    /// <param name="DeliveredAt">When the last of these bytes were acknowledged.</param>
    /// <param name="IsLimited">Whether the sender had less to send than the path could take.</param>
    /// <param name="IsPending">Whether it is neither acknowledged nor lost.</param>
    internal readonly record struct Entry(int Length, ulong SentAt, DatagramSlot? Slot, long Delivered, ulong DeliveredAt, bool IsLimited, bool IsPending);
}
