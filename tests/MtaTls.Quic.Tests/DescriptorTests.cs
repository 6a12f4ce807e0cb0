using System.Net;
using MtaTls.Quic.Sockets;

namespace MtaTls.Quic.Tests;

/// <summary>The kernel gives the number of a closed descriptor to the next file or socket of the process.</summary>
public sealed unsafe class DescriptorTests
{
    [Fact]
    public void A_closed_event_does_not_set_the_one_that_has_its_number_now()
    {
        var closed = new WakeEvent();
        closed.Dispose();
        using var next = new WakeEvent(); // Usually with the same number.
        closed.Set();
        Assert.Equal(0, Poll(next));
        next.Set();
        Assert.Equal(1, Poll(next));
        closed.Dispose();
        Assert.Equal(1, Poll(next));
        next.Reset();
        Assert.Equal(0, Poll(next));
    }

    [Fact]
    public void A_closed_socket_has_no_descriptor()
    {
        var socket = new UdpSocket(new IPEndPoint(IPAddress.Loopback, 0), null, reusePort: false, 65_536);
        Assert.True(socket.Descriptor > 0);
        socket.Dispose();
        Assert.Equal(-1, socket.Descriptor);
    }

    private static int Poll(WakeEvent one)
    {
        var descriptor = new LibSocket.PollDescriptor { Descriptor = one.Descriptor, Events = LibSocket.PollIn };
        return LibSocket.Poll(&descriptor, 1, 0);
    }
}
