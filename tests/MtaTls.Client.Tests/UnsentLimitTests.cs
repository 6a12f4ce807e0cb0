using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MtaTls.Client.Tests;

/// <summary>No other channel can overtake data in the kernel's buffer, so the kernel must hold little.</summary>
public class UnsentLimitTests
{
    private const int LevelTcp = 6;
    private const int TcpInfo = 11;
    private const int NotSentOctetsInTcpInfo = 144;

    [Fact]
    public async Task The_kernel_accepts_little_more_than_it_can_send()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux is needed.");
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var sender = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await sender.ConnectAsync(listener.LocalEndPoint!);
        using Socket reader = await listener.AcceptAsync();   // it reads nothing
        UnsentLimit.Apply(sender);

        sender.Blocking = false;
        byte[] octets = new byte[16 * 1024];
        SocketError error;
        do
        {
            sender.Send(octets, 0, octets.Length, SocketFlags.None, out error);
        }
        while (error == SocketError.Success || (error == SocketError.WouldBlock && Unsent(sender) == 0)); // Until the reader's buffer is full, the kernel may send all that it has.

        Assert.Equal(SocketError.WouldBlock, error);
        // The limit and one segment, which may have 64 KiB. Without the limit, the loopback's buffers hold megabytes.
        Assert.InRange(Unsent(sender), 1u, 128u * 1024);
    }

    [Fact]
    public void Other_sockets_and_closed_ones_are_not_changed()
    {
        UnsentLimit.Apply(null);
        using (var local = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            UnsentLimit.Apply(local);
        }

        var closed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        closed.Dispose();
        UnsentLimit.Apply(closed);
    }

    private static uint Unsent(Socket socket)
    {
        byte[] information = new byte[256];
        int length = socket.GetRawSocketOption(LevelTcp, TcpInfo, information);
        Assert.True(length >= NotSentOctetsInTcpInfo + 4, "tcp_info of this kernel is too short");
        return BinaryPrimitives.ReadUInt32LittleEndian(information.AsSpan(NotSentOctetsInTcpInfo));
    }
}
