using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MtaTls.Benchmarks.Network;

/// <summary>A Linux TUN device, which reads and writes whole IP packets.</summary>
internal sealed partial class TunDevice : IDisposable
{
    private const int ReadWrite = 2;
    private const nuint SetInterface = 0x400454ca; // TUNSETIFF
    private const short TunWithoutHeader = 0x1001; // IFF_TUN | IFF_NO_PI

    private readonly SafeFileHandle _handle;

    public unsafe TunDevice(string name)
    {
        _handle = new(Open("/dev/net/tun", ReadWrite), ownsHandle: true);
        if (_handle.IsInvalid)
        {
            throw new IOException("/dev/net/tun cannot be opened.");
        }

        Span<byte> request = stackalloc byte[40]; // struct ifreq
        request.Clear();
        System.Text.Encoding.ASCII.GetBytes(name, request);
        MemoryMarshal.Write(request[16..], TunWithoutHeader);
        fixed (byte* pointer = request)
        {
            if (IoControl(_handle, SetInterface, pointer) < 0)
            {
                throw new IOException($"The device {name} cannot be created: error {Marshal.GetLastPInvokeError()}.");
            }
        }
    }

    public unsafe int Read(Span<byte> packet)
    {
        fixed (byte* pointer = packet)
        {
            return (int)Read(_handle, pointer, (nuint)packet.Length);
        }
    }

    public unsafe void Write(ReadOnlySpan<byte> packet)
    {
        fixed (byte* pointer = packet)
        {
            _ = Write(_handle, pointer, (nuint)packet.Length);
        }
    }

    public void Dispose() => _handle.Dispose();

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static unsafe partial int IoControl(SafeFileHandle handle, nuint request, byte* argument);

    [LibraryImport("libc", EntryPoint = "read")]
    private static unsafe partial nint Read(SafeFileHandle handle, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "write")]
    private static unsafe partial nint Write(SafeFileHandle handle, byte* buffer, nuint count);
}
