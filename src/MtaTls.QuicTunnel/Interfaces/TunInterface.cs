using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;

namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>
/// A TUN device on Linux. The thread that receives a packet from the tunnel also writes it to the device. Another thread watches the device: it creates a removed device again, and
/// sets lost addresses and routes again when the device is up. (The kernel removes IPv6 addresses when a device goes down.)
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed unsafe class TunInterface : IPacketInterface
{
    // Netlink reports changes at once, but may lose messages when there are many. So the device is also checked at this interval, in milliseconds.
    private const int LookInterval = 2_000;

    private readonly TunnelInterfaceOptions _options;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly Lock _setUp = new(); // Held while the device is checked or set up. Guards the addresses of _options.
    private IPacketReceiver? _receiver;
    private volatile TunQueues? _queues;
    private volatile string? _failure = "The device is not open yet.";
    private Thread? _watcher;
    private int _watch = -1;
    private int _wake = -1;
    private volatile bool _stopping;

    public TunInterface(TunnelInterfaceOptions options, ILogger logger)
    {
        // A copy, because SetAddresses changes the addresses.
        _options = new TunnelInterfaceOptions { Kind = options.Kind, Name = options.Name, Mtu = options.Mtu, Queues = options.Queues, Offload = options.Offload };
        AddAll(_options.Addresses, options.Addresses);
        AddAll(_options.Routes, options.Routes);
        AddAll(_options.Up, options.Up);
        AddAll(_options.Down, options.Down);
        _logger = logger;
    }

    public string Name => _options.Name;

    public int Mtu => _options.Mtu;

    public string? Failure => _failure;

    public void Start(IPacketReceiver receiver)
    {
        _receiver = receiver;
        Open();
        _wake = LinuxNative.EventFd(0, LinuxNative.EFD_CLOEXEC | LinuxNative.EFD_NONBLOCK);
        _watch = RouteNetlink.Subscribe();
        _watcher = new Thread(Watch) { IsBackground = true, Name = $"{Name} watcher" };
        _watcher.Start();
        _logger.InterfaceUp(Name, string.Join(", ", _options.Addresses), Mtu);
    }

    public bool Write(ReadOnlySpan<byte> packet) => _queues?.Write(packet) ?? false;

    public void Flush() => _queues?.Flush();

    public void SetAddresses(IReadOnlyList<string> addresses)
    {
        lock (_setUp)
        {
            string[] former = [.. _options.Addresses.Except(addresses)];
            _options.Addresses.Clear();
            AddAll(_options.Addresses, addresses);
            TunDevice.Remove(Name, former);
            TunDevice.SetUp(_options, _logger);
            RunUp();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_stopping)
            {
                return;
            }

            _stopping = true;
        }

        Wake();
        _watcher?.Join();
        if (_queues is not null && _options.Addresses.Count > 0)
        {
            InterfaceHook.Run("down", _options.Down, _options, _logger);
        }

        _queues?.Dispose();
        _queues = null;
        _failure = "The device is closed.";
        if (_watch >= 0)
        {
            _ = LinuxNative.Close(_watch);
        }

        if (_wake >= 0)
        {
            _ = LinuxNative.Close(_wake);
        }
    }

    private static void AddAll(IList<string> list, IEnumerable<string> entries)
    {
        foreach (string entry in entries)
        {
            list.Add(entry);
        }
    }

    private void Open()
    {
        int[] queues = TunDevice.Open(_options, _logger, out TunOffload offload);
        _queues = new TunQueues(Name, queues, offload, _receiver!, Wake, _logger);
        _failure = null;
        RunUp();
    }

    // If the concentrator assigns the addresses, the hook runs when they are known.
    private void RunUp()
    {
        if (_options.Addresses.Count > 0)
        {
            InterfaceHook.Run("up", _options.Up, _options, _logger);
        }
    }

    private void Wake()
    {
        long one = 1L;
        if (_wake >= 0)
        {
            _ = LinuxNative.Write(_wake, (byte*)&one, sizeof(long));
        }
    }

    private void Watch()
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(8192, pinned: true);
        LinuxNative.PollDescriptor* descriptors = stackalloc LinuxNative.PollDescriptor[2];
        descriptors[0] = new LinuxNative.PollDescriptor { Fd = _wake, Events = LinuxNative.POLLIN };
        descriptors[1] = new LinuxNative.PollDescriptor { Fd = _watch, Events = LinuxNative.POLLIN };
        while (!_stopping)
        {
            _ = LinuxNative.Poll(descriptors, 2, LookInterval);
            fixed (byte* pointer = buffer)
            {
                // The content of the messages does not matter, only that something has changed.
                _ = LinuxNative.Read(_wake, pointer, sizeof(long));
                while (_watch >= 0 && LinuxNative.Read(_watch, pointer, (nuint)buffer.Length) > 0)
                {
                }
            }

            lock (_setUp)
            {
                if (!_stopping)
                {
                    Look();
                }
            }
        }
    }

    /// <summary>Checks the device and repairs it if possible.</summary>
    private void Look()
    {
        try
        {
            if (_queues is not { } queues || !queues.Exists())
            {
                Lost("It was removed.");
                _queues?.Dispose();
                _queues = null;
                Open();
                _logger.InterfaceBack(Name);
            }
            else if (!TunDevice.IsUp(Name))
            {
                // Do not bring it up: an administrator has taken it down.
                Lost("It is down.");
            }
            else if (_failure is not null || TunDevice.LacksAddresses(_options))
            {
                TunDevice.SetUp(_options, _logger);
                _failure = null;
                _logger.InterfaceBack(Name);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Lost(exception.Message);
        }
    }

    private void Lost(string reason)
    {
        if (_failure is null)
        {
            _logger.InterfaceFailed(Name, reason);
        }

        _failure = $"The device {Name} does not work: {reason}";
    }
}
