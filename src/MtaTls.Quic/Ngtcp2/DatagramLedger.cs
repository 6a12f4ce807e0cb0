using System.Numerics;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>
/// The datagrams of one connection that were sent and of which nothing was heard yet, by the id that the library is given with each. Ids count up, so that a ring finds them. Small until
/// there are many. Used on the loop's thread.
/// </summary>
internal sealed class DatagramLedger
{
    private const int Least = 16, Most = 32 * 1024;

    private Entry[] _ring = new Entry[Least];
    private ulong _first = 1, _next = 1;

    /// <summary>The id of the datagram that is sent next.</summary>
    public ulong NextId => _next;

    /// <summary>Datagrams of which nothing was heard.</summary>
    public int Pending { get; private set; }

    /// <summary>The datagram with the id <see cref="NextId"/> was sent. What is forgotten for it, because there are too many, is given back.</summary>
    public Entry Add(int length, ulong sentAt, DatagramSlot? slot, long delivered = 0)
    {
        Entry forgotten = default;
        if ((int)(_next - _first) == _ring.Length && !TryGrow())
        {
            TryResolve(_first, out forgotten);
        }

        _ring[(int)(_next++ & (ulong)(_ring.Length - 1))] = new Entry(length, sentAt, slot, delivered, IsPending: true);
        Pending++;
        return forgotten;
    }

    /// <summary>Something was heard of a datagram. False for one that is not there, or of which was heard before.</summary>
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

    /// <summary>Gives back the contents of those of which nothing was heard, oldest first; they stay pending.</summary>
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

    /// <summary>The oldest of which nothing was heard.</summary>
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

    /// <summary>One datagram.</summary>
    /// <param name="Length">Its bytes.</param>
    /// <param name="SentAt">When it was sent.</param>
    /// <param name="Slot">Its content, where that is kept.</param>
    /// <param name="Delivered">Bytes that had arrived when it was sent.</param>
    /// <param name="IsPending">Whether nothing was heard of it.</param>
    internal readonly record struct Entry(int Length, ulong SentAt, DatagramSlot? Slot, long Delivered, bool IsPending);
}
