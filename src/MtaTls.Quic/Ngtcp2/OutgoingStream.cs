using System.Runtime.InteropServices;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>A unidirectional stream of this end: octets in native memory that stays in place until the peer has acknowledged them. Loop only.</summary>
internal sealed unsafe class OutgoingStream(long id)
{
    private readonly Queue<StreamBlock> _blocks = [];
    private long _start; // Stream offset of the first block.
    private long _sent;
    private long _end;
    private bool _fin, _finSent;

    public long Id { get; } = id;

    public bool IsOpen { get; set; }

    /// <summary>Reset with this code, by this end.</summary>
    public ulong? ResetCode { get; set; }

    /// <summary>In the queue of streams that want to write.</summary>
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

    /// <summary>The next octets to send, of one block.</summary>
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

    /// <summary>Frees what is acknowledged up to <paramref name="offset"/>; returns how many octets that were.</summary>
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

    /// <summary>Frees everything; the library must have forgotten the stream.</summary>
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

/// <summary>Octets in native memory.</summary>
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
