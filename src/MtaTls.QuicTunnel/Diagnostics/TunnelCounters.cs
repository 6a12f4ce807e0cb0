using System.Runtime.InteropServices;

namespace MtaTls.QuicTunnel.Diagnostics;

/// <summary>The counters of the data plane. Counting is one atomic addition; the meter reads the counters only when something collects them.</summary>
internal sealed class TunnelCounters
{
    public static readonly int Reasons = Enum.GetValues<DropReason>().Length;

    private readonly long[] _drops = new long[Reasons];
    private Direction _received;
    private Direction _sent;

    public long PacketsReceived => Volatile.Read(ref _received.Packets);

    public long BytesReceived => Volatile.Read(ref _received.Bytes);

    public long PacketsSent => Volatile.Read(ref _sent.Packets);

    public long BytesSent => Volatile.Read(ref _sent.Bytes);

    public void Received(int bytes) => _received.Count(bytes);

    public void Sent(int bytes) => _sent.Count(bytes);

    public void Dropped(DropReason reason) => Interlocked.Increment(ref _drops[(int)reason]);

    public long GetDropped(DropReason reason) => Volatile.Read(ref _drops[(int)reason]);

    // Each direction has its own cache lines, because the two directions run on different threads.
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Direction
    {
        [FieldOffset(56)]
        public long Packets;

        [FieldOffset(64)]
        public long Bytes;

        public void Count(int bytes)
        {
            Interlocked.Increment(ref Packets);
            Interlocked.Add(ref Bytes, bytes);
        }
    }
}
