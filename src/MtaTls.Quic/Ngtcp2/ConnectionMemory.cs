using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>
/// The allocator of ngtcp2's connections. ngtcp2 takes small objects from blocks of 4 to 12 KiB, one block for each kind, and fills them from the front. The blocks of an
/// idle connection stay nearly empty. Therefore a large block starts on its own page, in regions with nothing else, and returns its pages when it is freed:
/// pages that were never used have no memory behind them. The C library provides smaller blocks, and zeroed blocks, which are used completely.
/// </summary>
internal sealed unsafe partial class ConnectionMemory
{
    private const int PageSize = 4096;
    private const int MaxPages = 8;
    private const nuint RegionSize = 16 * 1024 * 1024; // Of address space. Regions are never unmapped.

    private readonly Lock _lock = new();
    private readonly Stack<nint>[] _free = [.. Enumerable.Range(0, MaxPages + 1).Select(static _ => new Stack<nint>())];
    private readonly Stack<nint>[] _used = [.. Enumerable.Range(0, MaxPages + 1).Select(static _ => new Stack<nint>())];
    private byte* _next, _end;

    /// <summary>The most blocks of each size that keep their pages, for provisional connections.</summary>
    public const int MaxUsedBlocks = 64;

    [ThreadStatic]
    private static bool s_isProvisional;

    /// <summary>The allocator that ngtcp2 uses.</summary>
    public static ConnectionMemory Shared { get; } = new();

    /// <summary>The ngtcp2_mem of <see cref="Shared"/>. It is 0, which means the C library's functions, on systems with larger pages, where own pages cost more than they save.</summary>
    public static nint Allocator { get; } = Environment.SystemPageSize == PageSize ? CreateAllocator() : 0;

    /// <summary>Large blocks in use.</summary>
    public int Blocks { get; private set; }

    /// <summary>Bytes of address space that are reserved for large blocks.</summary>
    public long Reserved { get; private set; }

    /// <summary>Blocks whose pages were returned to the system, since the start.</summary>
    public long Returned { get; private set; }

    /// <summary>
    /// Begins work of this thread for a provisional connection: one whose first packet may be part of a flood. Until <see cref="EndProvisional"/>, freed blocks keep their pages and are used
    /// again first. So connections that end at once need no system calls.
    /// </summary>
    public static void BeginProvisional() => s_isProvisional = true;

    /// <summary>Ends the work that <see cref="BeginProvisional"/> began.</summary>
    public static void EndProvisional() => s_isProvisional = false;

    /// <summary>Allocates memory that is aligned to 16 bytes. Null when there is no memory.</summary>
    public void* Allocate(nuint size, bool zeroed = false)
    {
        nuint total = size + (nuint)sizeof(Header);
        if (total < size)
        {
            return null;
        }

        nuint pages = (total + PageSize - 1) / PageSize;
        if (zeroed || pages is 1 or > MaxPages)
        {
            return Describe(zeroed ? NativeMemory.AllocZeroed(total) : NativeMemory.Alloc(total), 0, size);
        }

        byte* block = TakePages((int)pages);
        return block is null ? null : Describe(block, (int)pages, size);
    }

    /// <summary>Frees memory from <see cref="Allocate"/> or <see cref="Reallocate"/>. Null is allowed.</summary>
    public void Free(void* memory)
    {
        if (memory is null)
        {
            return;
        }

        Header* header = (Header*)memory - 1;
        if (header->Pages == 0)
        {
            NativeMemory.Free(header);
        }
        else
        {
            ReturnPages((byte*)header, header->Pages);
        }
    }

    /// <summary>Works like realloc: copies the content up to the smaller size and frees the former memory. Without memory it returns null and keeps the former memory.</summary>
    public void* Reallocate(void* memory, nuint size)
    {
        if (memory is null)
        {
            return Allocate(size);
        }

        void* larger = Allocate(size);
        if (larger is null)
        {
            return null;
        }

        nuint kept = Math.Min(size, ((Header*)memory - 1)->Size);
        Buffer.MemoryCopy(memory, larger, kept, kept);
        Free(memory);
        return larger;
    }

    private static void* Describe(void* start, int pages, nuint size)
    {
        var header = (Header*)start;
        *header = new Header { Pages = pages, Size = size };
        return header + 1;
    }

    private byte* TakePages(int pages)
    {
        lock (_lock)
        {
            nint block = 0;
            if (!(s_isProvisional && _used[pages].TryPop(out block)) && !_free[pages].TryPop(out block))
            {
                if (_end - _next < pages * PageSize && !AddRegion())
                {
                    return null;
                }

                block = (nint)_next;
                _next += pages * PageSize;
            }
            Blocks++;
            return (byte*)block;
        }
    }

    private void ReturnPages(byte* block, int pages)
    {
        if (s_isProvisional)
        {
            lock (_lock)
            {
                if (_used[pages].Count < MaxUsedBlocks)
                {
                    Blocks--;
                    _used[pages].Push((nint)block);
                    return;
                }
            }
        }

        // If this fails (locked memory), the block keeps its pages and is used again.
        _ = Advise(block, (nuint)(pages * PageSize), AdviceDontNeed);
        lock (_lock)
        {
            Blocks--;
            Returned++;
            _free[pages].Push((nint)block);
        }
    }

    private bool AddRegion()
    {
        byte* region = Map(null, RegionSize, ProtectRead | ProtectWrite, MapPrivate | MapAnonymous | MapNoReserve, -1, 0);
        if ((nint)region == -1)
        {
            return false;
        }
        // A huge page would put memory behind unused pages too.
        _ = Advise(region, RegionSize, AdviceNoHugePage);
        _next = region;
        _end = region + RegionSize;
        Reserved += (long)RegionSize;
        return true;
    }

    private static nint CreateAllocator()
    {
        var functions = (NativeAllocator*)NativeMemory.Alloc((nuint)sizeof(NativeAllocator)); // Never freed.
        *functions = new NativeAllocator { Allocate = &Malloc, Free = &FreeMemory, AllocateZeroed = &Calloc, Reallocate = &Realloc };
        return (nint)functions;
    }

    // ngtcp2 calls the functions below. No exception may leave them: without memory they return null, and the connection fails.

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void* Malloc(nuint size, nint userData)
    {
        try
        {
            return Shared.Allocate(size);
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void FreeMemory(void* memory, nint userData)
    {
        try
        {
            Shared.Free(memory);
        }
        catch (OutOfMemoryException)
        {
            // There is no memory to remember the free block, so its address space is lost.
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void* Calloc(nuint count, nuint size, nint userData)
    {
        try
        {
            return size == 0 || count <= nuint.MaxValue / size ? Shared.Allocate(count * size, zeroed: true) : null;
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void* Realloc(void* memory, nuint size, nint userData)
    {
        try
        {
            return Shared.Reallocate(memory, size);
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>The header before each block: its size and its number of pages (0: from the C library).</summary>
    [StructLayout(LayoutKind.Sequential, Size = 16)]
    private struct Header
    {
        public nuint Size;
        public int Pages;
    }

    /// <summary>ngtcp2_mem</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct NativeAllocator
    {
        public nint UserData;
        public delegate* unmanaged[Cdecl]<nuint, nint, void*> Allocate;
        public delegate* unmanaged[Cdecl]<void*, nint, void> Free;
        public delegate* unmanaged[Cdecl]<nuint, nuint, nint, void*> AllocateZeroed;
        public delegate* unmanaged[Cdecl]<void*, nuint, nint, void*> Reallocate;
    }

    private const int ProtectRead = 1, ProtectWrite = 2;
    private const int MapPrivate = 0x02, MapAnonymous = 0x20, MapNoReserve = 0x4000;
    private const int AdviceDontNeed = 4, AdviceNoHugePage = 15;

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial byte* Map(void* address, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
