using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MtaTls.Tests.Network;

/// <summary>Creates sockets of this process in another network namespace. A socket belongs to the namespace of the thread that created it.</summary>
internal static partial class NamespaceSockets
{
    private const int NetworkNamespace = 0x40000000;

    public static Socket Bind(string name, IPEndPoint endPoint) => Run(name, () =>
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 1 << 22, SendBufferSize = 1 << 22 };
        socket.Bind(endPoint);
        return socket;
    });

    /// <summary>Runs a function in a namespace. Threads that it starts stay in that namespace.</summary>
    public static T Run<T>(string name, Func<T> action)
    {
        T result = default!;
        Exception? failure = null;
        // Use a new thread, because it stays in the other namespace until it ends.
        var thread = new Thread(() =>
        {
            try
            {
                using SafeFileHandle file = File.OpenHandle($"/run/netns/{name}");
                if (SetNs((int)file.DangerousGetHandle(), NetworkNamespace) != 0)
                {
                    throw new IOException($"setns: {Marshal.GetLastPInvokeErrorMessage()}");
                }

                result = action();
            }
            catch (Exception exception)
            {
                failure = exception;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? result : throw new IOException($"{name}: {failure.Message}", failure);
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNs(int fd, int type);
}
