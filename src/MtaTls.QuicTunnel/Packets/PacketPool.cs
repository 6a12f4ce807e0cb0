using System.Buffers;

namespace MtaTls.QuicTunnel.Packets;

/// <summary>
/// Buffers for waiting packets. One thread rents them and another returns them, hundreds at a time. The shared array pool keeps fewer and would allocate for
/// each packet. Only packets that are larger than usual use the shared array pool.
/// </summary>
internal sealed class PacketPool(int capacity)
{
    public static readonly PacketPool Shared = new(capacity: 4096);

    // The shared pool returns longer arrays for larger packets, so the length tells which pool a buffer belongs to.
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
