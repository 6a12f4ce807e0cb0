using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;

namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>A TUN device of Linux: a thread for each queue reads what the host sends; what comes out of the tunnel is written by whoever brings it.</summary>
[SupportedOSPlatform("linux")]
internal sealed unsafe class TunInterface : IPacketInterface
{
    private readonly ILogger _logger;
    private readonly int[] _queues;
    private readonly int _stopEvent;
    private readonly Thread[] _threads;
    private IPacketReceiver? _receiver;
    private volatile bool _stopping;
    private int _writers;

    public TunInterface(TunnelInterfaceOptions options, ILogger logger)
    {
        _logger = logger;
        Name = options.Name;
        Mtu = options.Mtu;
        _queues = TunDevice.Open(options, logger);
        _stopEvent = LinuxNative.EventFd(0, LinuxNative.EFD_CLOEXEC | LinuxNative.EFD_NONBLOCK);
        _threads = new Thread[_queues.Length];
        logger.InterfaceUp(Name, string.Join(", ", options.Addresses), Mtu);
    }

    public string Name { get; }

    public int Mtu { get; }

    public void Start(IPacketReceiver receiver)
    {
        _receiver = receiver;
        for (int i = 0; i < _queues.Length; i++)
        {
            int queue = _queues[i];
            _threads[i] = new Thread(() => ReadLoop(queue)) { IsBackground = true, Name = $"{Name} reader {i}" };
            _threads[i].Start();
        }
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
            thread?.Join();
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

    private void ReadLoop(int queue)
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
                    Take(buffer.AsSpan(0, (int)length));
                    continue;
                }

                int error = LinuxNative.LastError;
                if (error == LinuxNative.EINTR)
                {
                    continue;
                }

                if (error != LinuxNative.EAGAIN)
                {
                    // EBADFD: the device was taken away under us. What is left can only be logged.
                    _logger.InterfaceFailed(Name, LinuxNative.Describe(error));
                    return;
                }

                _ = LinuxNative.Poll(descriptors, 2, -1);
            }
        }
    }

    private void Take(ReadOnlySpan<byte> packet)
    {
        try
        {
            _receiver!.OnPacket(packet);
        }
        catch (Exception exception)
        {
            _logger.PacketFailed(exception, Name);
        }
    }
}
