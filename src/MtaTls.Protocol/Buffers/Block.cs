using System.Buffers;

namespace MtaTls.Protocol;

/// <summary>A pooled buffer and its place in a chain of buffers. Bytes from <see cref="Start"/> to <see cref="End"/> are there to be read.</summary>
internal sealed class Block : ReadOnlySequenceSegment<byte>
{
    internal Block(byte[] array, int sizeClass)
    {
        Array = array;
        SizeClass = sizeClass;
    }

    public byte[] Array { get; }

    /// <summary>Which list of the pool the block belongs to; -1: none.</summary>
    public int SizeClass { get; }

    /// <summary>The first byte not yet taken.</summary>
    public int Start { get; set; }

    /// <summary>Behind the last byte that may be taken.</summary>
    public int End { get; set; }

    /// <summary>Behind the last byte that was written, where writing runs ahead of <see cref="End"/>.</summary>
    public int Written { get; set; }

    public Block? NextBlock => (Block?)Next;

    /// <summary>Makes the block the first or next of a sequence; its bytes from 0 on have the given place in the stream.</summary>
    public void BeginSequence(long runningIndex)
    {
        Memory = Array;
        RunningIndex = runningIndex;
    }

    /// <summary>Closes the block for writing and links the next.</summary>
    public void Append(Block next)
    {
        Memory = Array.AsMemory(0, End);
        Next = next;
    }

    internal void Link(Block? next) => Next = next;

    internal void Reset()
    {
        Next = null;
        Start = End = Written = 0;
    }
}
