using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Queueing;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>The open queues of a TUN device, until the device is closed or removed. A thread for each queue reads the packets from the host.</summary>
[SupportedOSPlatform("linux")]
internal sealed unsafe class TunQueues : IDisposable
{
    /// <summary>The most bytes to read before the paths are woken.</summary>
    private const int BatchSize = 64 * 1024;

    /// <summary>The number of mergers. Flows are distributed over them by their hash.</summary>
    private const int Places = 16;

    private readonly ILogger _logger;
    private readonly IPacketReceiver _receiver;
    private readonly TunOffload _offload;
    private readonly PacketMerger[] _mergers = [];
    private uint _waiting; // A bit for each merger that holds packets. Changed with Interlocked.
    private readonly string _name;
    private readonly int[] _queues;
    private readonly int _stopEvent;
    private readonly Thread[] _threads;
    private readonly Action _onLost;
    private volatile bool _stopping;
    private int _writers;

    /// <param name="name">The device's name.</param>
    /// <param name="queues">The descriptors of its queues. They are closed by <see cref="Dispose"/>.</param>
    /// <param name="offload">The offload that the device has.</param>
    /// <param name="receiver">Receives the packets from the host.</param>
    /// <param name="onLost">Called when the device was removed, once by each reader thread.</param>
    /// <param name="logger">The log for packets that caused an exception.</param>
    public TunQueues(string name, int[] queues, TunOffload offload, IPacketReceiver receiver, Action onLost, ILogger logger)
    {
        (_name, _queues, _offload, _receiver, _onLost, _logger) = (name, queues, offload, receiver, onLost, logger);
        if (offload != TunOffload.None)
        {
            _mergers = [.. Enumerable.Range(0, Places).Select(_ => new PacketMerger(offload == TunOffload.TcpAndUdp))];
        }

        _stopEvent = LinuxNative.EventFd(0, LinuxNative.EFD_CLOEXEC | LinuxNative.EFD_NONBLOCK);
        _threads = new Thread[queues.Length];
        for (int i = 0; i < queues.Length; i++)
        {
            int queue = queues[i];
            _threads[i] = new Thread(() => ReadLoop(queue)) { IsBackground = true, Name = $"{name} reader {i}" };
            _threads[i].Start();
        }
    }

    /// <summary>Whether the device still exists.</summary>
    public bool Exists()
    {
        var request = default(LinuxNative.InterfaceRequest);
        return LinuxNative.IoCtl(_queues[0], LinuxNative.TUNGETIFF, &request) == 0;
    }

    public bool Write(ReadOnlySpan<byte> packet)
    {
        if (!Enter())
        {
            return false;
        }

        try
        {
            if (_offload == TunOffload.None)
            {
                return Write(_queues[0], packet);
            }

            // A flow always uses the same merger and queue, so that its packets stay in order.
            int place = (int)(FlowHash.Compute(packet) % Places);
            lock (_mergers[place])
            {
                return Merge(place, packet);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _writers);
        }
    }

    /// <summary>Writes the packets that the mergers hold.</summary>
    public void Flush()
    {
        uint waiting = Volatile.Read(ref _waiting);
        if (waiting == 0 || !Enter())
        {
            return;
        }

        try
        {
            for (; waiting != 0; waiting &= waiting - 1)
            {
                int place = BitOperations.TrailingZeroCount(waiting);
                lock (_mergers[place])
                {
                    WriteMerged(place);
                }
            }
        }
        finally
        {
            Interlocked.Decrement(ref _writers);
        }
    }

    public void Dispose()
    {
        if (_stopping)
        {
            return;
        }

        _stopping = true;
        long one = 1L;
        _ = LinuxNative.Write(_stopEvent, (byte*)&one, sizeof(long));
        foreach (Thread thread in _threads)
        {
            thread.Join();
        }

        var spin = new SpinWait();
        while (Volatile.Read(ref _writers) != 0)
        {
            spin.SpinOnce();
        }

        foreach (int queue in _queues)
        {
            _ = LinuxNative.Close(queue);
        }

        _ = LinuxNative.Close(_stopEvent);
    }

    // A descriptor must stay open during the call, because the kernel may use its number for another file.
    private bool Enter()
    {
        Interlocked.Increment(ref _writers);
        if (!_stopping)
        {
            return true;
        }

        Interlocked.Decrement(ref _writers);
        return false;
    }

    private bool Merge(int place, ReadOnlySpan<byte> packet)
    {
        PacketMerger merger = _mergers[place];
        if (merger.TryAdd(packet))
        {
            Interlocked.Or(ref _waiting, 1u << place);
            return true;
        }

        WriteMerged(place);
        if (merger.TryAdd(packet))
        {
            Interlocked.Or(ref _waiting, 1u << place);
            return true;
        }

        return WriteAlone(_queues[place % _queues.Length], packet);
    }

    private void WriteMerged(int place)
    {
        PacketMerger merger = _mergers[place];
        int count = merger.Count;
        if (count == 0)
        {
            return;
        }

        Interlocked.And(ref _waiting, ~(1u << place));
        if (!Write(_queues[place % _queues.Length], merger.Take()))
        {
            _receiver.OnNotWritten(count);
        }
    }

    private static bool WriteAlone(int queue, ReadOnlySpan<byte> packet)
    {
        OffloadHeader header = default;
        fixed (byte* pointer = packet)
        {
            LinuxNative.IoVector* vectors = stackalloc LinuxNative.IoVector[2];
            vectors[0] = new LinuxNative.IoVector { Base = (byte*)&header, Length = OffloadHeader.Size };
            vectors[1] = new LinuxNative.IoVector { Base = pointer, Length = (nuint)packet.Length };
            return LinuxNative.WriteVectors(queue, vectors, 2) == OffloadHeader.Size + packet.Length;
        }
    }

    private static bool Write(int queue, ReadOnlySpan<byte> content)
    {
        fixed (byte* pointer = content)
        {
            return LinuxNative.Write(queue, pointer, (nuint)content.Length) == content.Length;
        }
    }

    private void ReadLoop(int queue)
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(OffloadHeader.Size + 65536, pinned: true);
        var batch = new SendBatch();
        int read = 0;
        LinuxNative.PollDescriptor* descriptors = stackalloc LinuxNative.PollDescriptor[2];
        descriptors[0] = new LinuxNative.PollDescriptor { Fd = queue, Events = LinuxNative.POLLIN };
        descriptors[1] = new LinuxNative.PollDescriptor { Fd = _stopEvent, Events = LinuxNative.POLLIN };
        fixed (byte* pointer = buffer)
        {
            while (!_stopping)
            {
                nint length = LinuxNative.Read(queue, pointer, (nuint)buffer.Length);
                if (length > 0)
                {
                    Take(buffer.AsSpan(0, (int)length), batch);
                    read += (int)length;
                    if (read >= BatchSize)
                    {
                        batch.End();
                        read = 0;
                    }

                    continue;
                }

                int error = LinuxNative.LastError;
                if (error == LinuxNative.EINTR)
                {
                    continue;
                }

                if (error != LinuxNative.EAGAIN)
                {
                    // EBADFD or EFAULT: the device was removed.
                    _onLost();
                    return;
                }

                batch.End();
                read = 0;
                _ = LinuxNative.Poll(descriptors, 2, -1);
            }
        }
    }

    private void Take(Span<byte> content, SendBatch batch)
    {
        try
        {
            if (_offload == TunOffload.None)
            {
                _receiver.OnPacket(content, batch);
            }
            else if (content.Length > OffloadHeader.Size)
            {
                PacketCutter.Cut(content[OffloadHeader.Size..], MemoryMarshal.Read<OffloadHeader>(content), _receiver, batch);
            }
        }
        catch (Exception exception)
        {
            _logger.PacketFailed(exception, _name);
        }
    }
}
