using MtaTls.Quic.Ngtcp2;

namespace MtaTls.QuicTunnel.Queueing;

/// <summary>
/// The memory of waiting packets, which many queues share. A queue gets more only while more is free than it holds. When it does not, the queue that holds the most drops a packet for one that holds less. So
/// no number of queues whose packets are not taken holds up another queue. Thread-safe.
/// </summary>
/// <param name="slots">The most packets.</param>
internal sealed class PacketMemory(int slots)
{
    /// <summary>The size of a slot in bytes.</summary>
    public const int SlotSize = 2048;

    /// <summary>A queue that holds fewer slots than this is never asked to drop a packet.</summary>
    private const int Few = 16;

    private readonly DatagramPool _pool = new(SlotSize, slots);
    private readonly Lock _lock = new();
    private readonly HashSet<IPacketHolder> _holders = []; // guarded by _lock: those that may hold many
    private volatile IPacketHolder? _largest; // found by the last search

    /// <summary>Takes a slot for a queue; null if there is none for it.</summary>
    /// <param name="holder">The queue.</param>
    /// <param name="held">Where the queue counts its slots. <see cref="Return"/> needs the same.</param>
    public DatagramSlot? Rent(IPacketHolder holder, ref int held)
    {
        int before = Volatile.Read(ref held);
        if ((_pool.Rent(before) ?? (FindLarger(before)?.TryDrop() == true ? _pool.Rent() : null)) is not { } slot)
        {
            return null;
        }

        if (Interlocked.Increment(ref held) == Few)
        {
            List(holder);
        }

        return slot;
    }

    public void Return(DatagramSlot slot, ref int held)
    {
        Interlocked.Decrement(ref held);
        _pool.Return(slot);
    }

    /// <summary>Forgets a queue that has ended.</summary>
    public void Forget(IPacketHolder holder)
    {
        lock (_lock)
        {
            _holders.Remove(holder);
            _largest = null;
        }
    }

    private void List(IPacketHolder holder)
    {
        lock (_lock)
        {
            if (_holders.Count > 2 * slots / Few)
            {
                _holders.RemoveWhere(static holder => holder.Held < Few);
            }

            _holders.Add(holder);
        }
    }

    /// <summary>Finds a queue that holds more than a number of slots and can drop one; null if there is none.</summary>
    private IPacketHolder? FindLarger(int held)
    {
        if (_largest is { Waiting: > 0 } known && known.Held > held)
        {
            return known;
        }

        lock (_lock)
        {
            IPacketHolder? largest = null;
            foreach (IPacketHolder holder in _holders)
            {
                if (holder.Waiting > 0 && holder.Held > (largest?.Held ?? held))
                {
                    largest = holder;
                }
            }

            return _largest = largest;
        }
    }
}
