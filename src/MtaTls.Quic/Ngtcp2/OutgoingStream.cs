using System.Runtime.InteropServices;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>A unidirectional stream that this end opened. Its bytes stay in native memory until the peer has acknowledged them. Used on the loop only.</summary>
internal sealed unsafe class OutgoingStream(long id)
{
    private readonly Queue<StreamBlock> _blocks = [];
    private long _start; // The stream offset of the first block.
    private long _sent;
    private long _end;
    private bool _fin, _finSent;

    public long Id { get; } = id;

    public bool IsOpen { get; set; }

    /// <summary>The error code with which this end has reset the stream; null if it has not.</summary>
    public ulong? ResetCode { get; set; }

    /// <summary>Whether the stream is in the queue of streams that have data to send.</summary>
    public bool IsQueued { get; set; }

    public bool HasUnsent => _sent < _end || (_fin && !_finSent);

    public void Append(StreamBlock block, bool fin)
    {
        if (block.Length > 0)
        {
            _blocks.Enqueue(block);
        }

        _end += block.Length;
        _fin |= fin;
    }

    /// <summary>The next bytes to send, from one block.</summary>
    public NativeVector Next(out bool fin)
    {
        long offset = _start;
        foreach (StreamBlock block in _blocks)
        {
            if (_sent < offset + block.Length)
            {
                fin = _fin && offset + block.Length == _end;
                return new NativeVector { Base = block.Data + (_sent - offset), Length = (nuint)(offset + block.Length - _sent) };
            }
            offset += block.Length;
        }
        fin = _fin;
        return default;
    }

    public void Sent(long count, bool fin)
    {
        _sent += count;
        _finSent |= fin && _sent == _end;
    }

    /// <summary>Frees the blocks that are acknowledged up to <paramref name="offset"/>. Returns the number of freed bytes.</summary>
    public int Acknowledged(long offset)
    {
        int freed = 0;
        while (_blocks.TryPeek(out StreamBlock block) && _start + block.Length <= offset)
        {
            _blocks.Dequeue().Free();
            _start += block.Length;
            freed += block.Length;
        }
        return freed;
    }

    /// <summary>Frees all blocks and returns the number of bytes. ngtcp2 must have closed the stream before, because it points to them.</summary>
    public int Free()
    {
        int freed = 0;
        while (_blocks.TryDequeue(out StreamBlock block))
        {
            block.Free();
            freed += block.Length;
        }
        return freed;
    }
}

/// <summary>A block of bytes in native memory.</summary>
internal readonly unsafe struct StreamBlock
{
    public StreamBlock(ReadOnlySpan<byte> octets)
    {
        Length = octets.Length;
        if (Length == 0)
        {
            return;
        }

        Data = (byte*)NativeMemory.Alloc((nuint)Length);
        octets.CopyTo(new Span<byte>(Data, Length));
    }

    public readonly byte* Data;
    public readonly int Length;

    public void Free() => NativeMemory.Free(Data);
}
