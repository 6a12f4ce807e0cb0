namespace MtaTls.Protocol;

/// <summary>
/// The pool of blocks, one for the process. A connection's MemoryPool does not fit: its buffers of 4 KiB split a packet that fills a TLS record, and each buffer
/// has an owner object, which would be an allocation per packet.
/// </summary>
/// <remarks>
/// There are three sizes, each four times the one before. A block that is chosen by the length of its data is therefore usually at least a quarter full, so the memory that
/// a slow reader occupies stays in proportion to its window. The arrays are pinned, because native code reads and writes them. <see cref="MemoryReturn"/> releases
/// blocks that are no longer needed.
/// </remarks>
internal static class BlockPool
{
    public const int MaxBlockSize = 16 * 1024;

    private static readonly SizeClass[] s_classes = [new(0, 1024, 4096), new(1, 4096, 1024), new(2, MaxBlockSize, 1024)];

    /// <summary>The number of pooled blocks in use. It is 0 when every channel has ended and no application holds a read result or memory to write.</summary>
    public static int InUse
    {
        get
        {
            int count = 0;
            foreach (SizeClass sizeClass in s_classes)
            {
                count += sizeClass.InUse;
            }

            return count;
        }
    }

    /// <summary>Takes a block for <paramref name="size"/> bytes. A block above <see cref="MaxBlockSize"/> is not pooled.</summary>
    public static Block Rent(int size)
    {
        foreach (SizeClass sizeClass in s_classes)
        {
            if (size <= sizeClass.Size)
            {
                return sizeClass.Rent();
            }
        }
        return new Block(GC.AllocateUninitializedArray<byte>(size), -1);
    }

    /// <summary>Takes a block back. No other code may still use its memory.</summary>
    public static void Return(Block block)
    {
        block.Reset();
        if (block.SizeClass >= 0)
        {
            s_classes[block.SizeClass].Return(block);
        }
    }

    /// <summary>Leaves a block to the garbage collector, because its memory may still be in use.</summary>
    public static void Abandon(Block block)
    {
        if (block.SizeClass >= 0)
        {
            s_classes[block.SizeClass].Abandon();
        }
    }

    /// <summary>The bytes of all free blocks in the pool.</summary>
    public static long FreeBytes
    {
        get
        {
            long bytes = 0;
            foreach (SizeClass sizeClass in s_classes)
            {
                bytes += sizeClass.FreeBytes;
            }

            return bytes;
        }
    }

    /// <summary>Releases the blocks that were not used since the last call.</summary>
    /// <returns>The bytes of all blocks that were released since the last call, including those that did not fit into the pool.</returns>
    public static long Trim()
    {
        long bytes = 0;
        foreach (SizeClass sizeClass in s_classes)
        {
            bytes += sizeClass.Trim();
        }

        return bytes;
    }

    /// <summary>A list of free blocks of one size, linked through themselves. Its lock guards the list and the counts.</summary>
    private sealed class SizeClass(int index, int size, int capacity)
    {
        private readonly Lock _lock = new();
        private Block? _free;
        private int _count, _inUse;
        private int _leastCount;   // the lowest count since the last trim: that many blocks were not needed
        private long _givenUp;     // blocks, since the last trim

        public int Size => size;

        public int InUse
        {
            get
            {
                lock (_lock)
                {
                    return _inUse;
                }
            }
        }

        public long FreeBytes
        {
            get
            {
                lock (_lock)
                {
                    return (long)_count * size;
                }
            }
        }

        public Block Rent()
        {
            lock (_lock)
            {
                _inUse++;
                if (_free is { } block)
                {
                    _free = block.NextBlock;
                    _leastCount = Math.Min(_leastCount, --_count);
                    block.Link(null);
                    return block;
                }
            }
            return new Block(GC.AllocateUninitializedArray<byte>(size, pinned: true), index);
        }

        public void Return(Block block)
        {
            lock (_lock)
            {
                _inUse--;
                if (_count < capacity)
                {
                    block.Link(_free);
                    _free = block;
                    _count++;
                    return;
                }

                _givenUp++;
            }
        }

        public void Abandon()
        {
            lock (_lock)
            {
                _inUse--;
                _givenUp++;
            }
        }

        public long Trim()
        {
            lock (_lock)
            {
                for (int i = _leastCount; i > 0; i--)
                {
                    _free = _free!.NextBlock;
                    _count--;
                    _givenUp++;
                }

                long bytes = _givenUp * size;
                _leastCount = _count;
                _givenUp = 0;
                return bytes;
            }
        }
    }
}
