using System.Buffers;

namespace MtaTls.Fuzz.Targets;

/// <summary>Splits inputs into pieces, as they arrive on a connection.</summary>
internal static class Sequences
{
    /// <summary>The same bytes in pieces of 1 to 39.</summary>
    public static ReadOnlySequence<byte> Cut(byte[] input, Random random)
    {
        var first = new Segment(ReadOnlyMemory<byte>.Empty, null);
        Segment last = first;
        for (int at = 0; at < input.Length;)
        {
            int length = Math.Min(random.Next(1, 40), input.Length - at);
            last = new Segment(input.AsMemory(at, length), last);
            at += length;
        }
        return new(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;
            if (before is null)
            {
                return;
            }

            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
