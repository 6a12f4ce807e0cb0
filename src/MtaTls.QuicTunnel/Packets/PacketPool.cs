using System.Buffers;

namespace MtaTls.QuicTunnel.Packets;

/// <summary>
/// Buffers for packets that must wait. They are taken on one thread and given back on another, hundreds at a time: more than the shared array pool keeps, which would
/// then allocate for each. Larger packets than any usual path carries come from there all the same.
/// </summary>
internal sealed class PacketPool(int capacity)
{
    public static readonly PacketPool Shared = new(capacity: 4096);

    // The shared pool's arrays for more than this are longer than this: a length tells whose a buffer is.
    private const int BufferLength = 2048;

    private readonly Lock _lock = new();
    private readonly byte[]?[] _buffers = new byte[]?[capacity];
    private int _count;

    public byte[] Rent(int length)
    {
        if (length > BufferLength)
        {
            return ArrayPool<byte>.Shared.Rent(length);
        }

        lock (_lock)
        {
            if (_count > 0)
            {
                byte[] buffer = _buffers[--_count]!;
                _buffers[_count] = null;
                return buffer;
            }
        }

        return GC.AllocateUninitializedArray<byte>(BufferLength);
    }

    public void Return(byte[] buffer)
    {
        if (buffer.Length != BufferLength)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            return;
        }

        lock (_lock)
        {
            if (_count < _buffers.Length)
            {
                _buffers[_count++] = buffer;
            }
        }
    }
}
