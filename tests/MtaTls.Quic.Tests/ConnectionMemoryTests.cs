using System.Runtime.InteropServices;
using MtaTls.Quic.Ngtcp2;
using MtaTls.Quic.Tests.Support;

namespace MtaTls.Quic.Tests;

public partial class ConnectionMemoryTests
{
    private const int Page = 4096;

    [Fact]
    public async Task Ngtcp2_takes_its_blocks_from_the_allocator()
    {
        RequirePages();
        await using var quic = new QuicFixture();
        _ = await quic.ConnectPairAsync();

        Assert.NotEqual(0, ConnectionMemory.Allocator);
        Assert.SkipWhen(QuicEngine.Version!.Contains(".so.16", StringComparison.Ordinal), "ngtcp2 1.11 asks for no block that is large enough to have its own pages");
        Assert.True(ConnectionMemory.Shared.Blocks > 0);
        Assert.True(ConnectionMemory.Shared.Reserved > 0);
    }

    [Fact]
    public unsafe void Only_the_used_pages_of_a_large_block_are_resident_and_none_after_it_is_freed()
    {
        RequirePages();
        var memory = new ConnectionMemory();
        byte* block = (byte*)memory.Allocate(3 * Page - 16);
        byte* start = block - 16;
        Assert.Equal(0, (nint)start % Page);
        new Span<byte>(block, 500).Fill(1);
        Assert.Equal(1, Resident(start, 3));
        new Span<byte>(block, 3 * Page - 16).Fill(1);
        Assert.Equal(3, Resident(start, 3));

        memory.Free(block);

        Assert.Equal(0, Resident(start, 3));
        Assert.Equal(0, memory.Blocks);
    }

    /// <summary>Random sequences of all operations: the content of no block changes, all blocks are aligned, and zeroed blocks are zero.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public unsafe void Every_block_keeps_its_content(int seed)
    {
        RequirePages();
        var random = new Random(seed);
        var memory = new ConnectionMemory();
        var pieces = new List<(nint Start, int Size, byte Mark)>();
        for (int step = 0; step < 20_000; step++)
        {
            int size = random.Next(4) == 0 ? random.Next(9 * Page) : random.Next(600);
            byte mark = (byte)random.Next(1, 256);
            if (pieces.Count < 200 && random.Next(2) == 0)
            {
                bool zeroed = random.Next(4) == 0;
                byte* start = (byte*)memory.Allocate((nuint)size, zeroed);
                Assert.Equal(0, (nint)start % 16);
                if (zeroed)
                {
                    Assert.Equal(-1, new Span<byte>(start, size).IndexOfAnyExcept((byte)0));
                }

                new Span<byte>(start, size).Fill(mark);
                pieces.Add(((nint)start, size, mark));
            }
            else if (pieces.Count > 0)
            {
                int index = random.Next(pieces.Count);
                (nint Start, int Size, byte Mark) piece = pieces[index];
                Assert.Equal(-1, new Span<byte>((void*)piece.Start, piece.Size).IndexOfAnyExcept(piece.Mark));
                if (random.Next(2) == 0)
                {
                    memory.Free((void*)piece.Start);
                    pieces.RemoveAt(index);
                    continue;
                }

                byte* moved = (byte*)memory.Reallocate((void*)piece.Start, (nuint)size);
                Assert.Equal(-1, new Span<byte>(moved, Math.Min(size, piece.Size)).IndexOfAnyExcept(piece.Mark));
                new Span<byte>(moved, size).Fill(mark);
                pieces[index] = ((nint)moved, size, mark);
            }
        }

        foreach ((nint Start, int Size, byte Mark) piece in pieces)
        {
            memory.Free((void*)piece.Start);
        }

        Assert.Equal(0, memory.Blocks);
        memory.Free(null);
    }

    [Fact]
    public unsafe void Address_space_is_used_again()
    {
        RequirePages();
        var memory = new ConnectionMemory();
        nint[] blocks = new nint[1000];
        long reserved = 0;
        for (int round = 0; round < 20; round++)
        {
            for (int i = 0; i < blocks.Length; i++)
            {
                blocks[i] = (nint)memory.Allocate((nuint)(i % 3 + 1) * 4100);
            }

            foreach (nint block in blocks)
            {
                memory.Free((void*)block);
            }

            reserved = round == 0 ? memory.Reserved : reserved;
            Assert.Equal(reserved, memory.Reserved);
        }
    }

    /// <summary>ngtcp2 gets null, no exception passes through it, and no size overflows.</summary>
    [Fact]
    public unsafe void A_size_larger_than_the_memory_gives_null()
    {
        RequirePages();
        var memory = new ConnectionMemory();
        Assert.True(memory.Allocate(nuint.MaxValue) is null);

        var functions = (delegate* unmanaged[Cdecl]<nuint, nint, void*>*)ConnectionMemory.Allocator;
        Assert.True(functions[1](nuint.MaxValue / 2, 0) is null);
        var clear = (delegate* unmanaged[Cdecl]<nuint, nuint, nint, void*>)functions[3];
        Assert.True(clear(nuint.MaxValue / 4, 8, 0) is null);
    }

    private static void RequirePages() => Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.SystemPageSize == Page, "This test needs Linux with pages of 4 KiB.");

    private static unsafe int Resident(byte* start, int pages)
    {
        byte* states = stackalloc byte[pages];
        Assert.Equal(0, InCore(start, (nuint)(pages * Page), states));
        int count = 0;
        for (int i = 0; i < pages; i++)
        {
            count += states[i] & 1;
        }

        return count;
    }

    [LibraryImport("libc", EntryPoint = "mincore")]
    private static unsafe partial int InCore(void* start, nuint length, byte* states);
}
