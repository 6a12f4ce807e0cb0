using System.Buffers;

namespace MtaTls.Protocol;

/// <summary>A pooled buffer and its place in a chain of buffers. The bytes from <see cref="Start"/> to <see cref="End"/> can be read.</summary>
internal sealed class Block : ReadOnlySequenceSegment<byte>
{
    internal Block(byte[] array, int sizeClass)
    {
        Array = array;
        SizeClass = sizeClass;
    }

    public byte[] Array { get; }

    /// <summary>The index of the pool's list that the block belongs to; -1 when the block is not pooled.</summary>
    public int SizeClass { get; }

    /// <summary>The index of the first byte that was not read yet.</summary>
    public int Start { get; set; }

    /// <summary>The index after the last byte that can be read.</summary>
    public int End { get; set; }

    /// <summary>The index after the last byte that the application wrote. It can be after <see cref="End"/>: those bytes are not flushed yet.</summary>
    public int Written { get; set; }

    public Block? NextBlock => (Block?)Next;

    /// <summary>Makes the block the first or next one of a sequence.</summary>
    /// <param name="runningIndex">The position in the stream of the block's byte 0.</param>
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
