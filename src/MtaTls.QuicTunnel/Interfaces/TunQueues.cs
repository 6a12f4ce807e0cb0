using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;

namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>One TUN device as long as it exists: a thread for each queue reads what the host sends.</summary>
[SupportedOSPlatform("linux")]
internal sealed unsafe class TunQueues : IDisposable
{
    private readonly ILogger _logger;
    private readonly string _name;
    private readonly int[] _queues;
    private readonly int _stopEvent;
    private readonly Thread[] _threads;
    private readonly Action _onLost;
    private volatile bool _stopping;
    private int _writers;

    /// <param name="name">The device's name.</param>
    /// <param name="queues">Its descriptors, which are closed at the end.</param>
    /// <param name="receiver">Takes what the host sends.</param>
    /// <param name="onLost">The device was taken away. Comes on a reader's thread, once for each.</param>
    /// <param name="logger">For packets that could not be handled.</param>
    public TunQueues(string name, int[] queues, IPacketReceiver receiver, Action onLost, ILogger logger)
    {
        (_name, _queues, _onLost, _logger) = (name, queues, onLost, logger);
        _stopEvent = LinuxNative.EventFd(0, LinuxNative.EFD_CLOEXEC | LinuxNative.EFD_NONBLOCK);
        _threads = new Thread[queues.Length];
        for (int i = 0; i < queues.Length; i++)
        {
            int queue = queues[i];
            _threads[i] = new Thread(() => ReadLoop(queue, receiver)) { IsBackground = true, Name = $"{name} reader {i}" };
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
        // The descriptor must outlive the call: its number would soon be another file's.
        Interlocked.Increment(ref _writers);
        try
        {
            if (_stopping)
            {
                return false;
            }

            fixed (byte* pointer = packet)
            {
                return LinuxNative.Write(_queues[0], pointer, (nuint)packet.Length) == packet.Length;
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

    private void ReadLoop(int queue, IPacketReceiver receiver)
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(ushort.MaxValue, pinned: true);
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
                    Take(receiver, buffer.AsSpan(0, (int)length));
                    continue;
                }

                int error = LinuxNative.LastError;
                if (error == LinuxNative.EINTR)
                {
                    continue;
                }

                if (error != LinuxNative.EAGAIN)
                {
                    // EBADFD or EFAULT: the device was taken away.
                    _onLost();
                    return;
                }

                _ = LinuxNative.Poll(descriptors, 2, -1);
            }
        }
    }

    private void Take(IPacketReceiver receiver, ReadOnlySpan<byte> packet)
    {
        try
        {
            receiver.OnPacket(packet);
        }
        catch (Exception exception)
        {
            _logger.PacketFailed(exception, _name);
        }
    }
}
