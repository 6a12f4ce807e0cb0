using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace MtaTls.Client.Tests;

/// <summary>TCP keep-alive and the user timeout.</summary>
public sealed class TcpKeepAliveTests
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Both_times_reach_the_socket()
    {
        (Socket client, Socket server) = await ConnectAsync(IPAddress.Loopback);
        using (client)
        using (server)
        {
            TcpKeepAlive.Apply(client, TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(10));
            Assert.NotEqual(0, client.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive));
            Assert.Equal(15, client.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime));
            Assert.Equal(2, client.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval));
            Assert.Equal(5, client.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount));
            if (OperatingSystem.IsLinux())
            {
                byte[] value = new byte[4];
                Assert.Equal(4, client.GetRawSocketOption(6, 18, value));
                Assert.Equal(25_000, BitConverter.ToInt32(value));
            }
        }
    }

    [Fact]
    public async Task Times_out_of_TCPs_range_are_limited_to_it()
    {
        (Socket client, Socket server) = await ConnectAsync(IPAddress.Loopback);
        using (client)
        using (server)
        {
            TcpKeepAlive.Apply(client, TimeSpan.FromDays(1), TimeSpan.FromSeconds(1));
            Assert.Equal((int)short.MaxValue, client.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime));
            Assert.Equal(1, client.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval));
        }
    }

    [Fact]
    public async Task Probes_are_no_further_apart_than_the_interval_however_long_the_timeout_is()
    {
        (Socket client, Socket server) = await ConnectAsync(IPAddress.Loopback);
        using (client)
        using (server)
        {
            TcpKeepAlive.Apply(client, TimeSpan.FromSeconds(3), TimeSpan.FromMinutes(1));
            Assert.Equal(3, client.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval));
            Assert.Equal(20, client.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount));
            TcpKeepAlive.Apply(client, TimeSpan.FromSeconds(3), TimeSpan.FromHours(1));
            Assert.Equal(127, client.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount));
        }
    }

    [Fact]
    public void Nothing_happens_to_other_sockets()
    {
        TcpKeepAlive.Apply(null, TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(10));
        using Socket unix = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified), closed = new(SocketType.Stream, ProtocolType.Tcp);
        TcpKeepAlive.Apply(unix, TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(10));
        closed.Dispose();
        TcpKeepAlive.Apply(closed, TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(10));
    }

    /// <summary>The network loses every packet to the peer. An idle connection and one with unacknowledged data both end. Without the options that takes two hours, or a quarter of an hour.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_peer_that_disappears_silently_is_found(bool sends)
    {
        // A loopback address that no other test uses, and a rule that drops its packets.
        string address = $"127.{Random.Shared.Next(10, 250)}.{Random.Shared.Next(1, 250)}.{Random.Shared.Next(2, 250)}";
        (Socket client, Socket server) = await ConnectAsync(IPAddress.Parse(address));
        using (client)
        using (server)
        {
            TcpKeepAlive.Apply(client, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
            Assert.SkipUnless(await RunAsync("ip", "route", "add", "blackhole", $"{address}/32", "table", "local"), "Only root may drop packets.");
            try
            {
                if (sends)
                {
                    await client.SendAsync(new byte[100]);
                }

                SocketException error = await Assert.ThrowsAsync<SocketException>(() => client.ReceiveAsync(new byte[1]).WaitAsync(s_timeout));
                Assert.Contains(error.SocketErrorCode, (SocketError[])[SocketError.TimedOut, SocketError.HostUnreachable, SocketError.NetworkUnreachable, SocketError.InvalidArgument]);
            }
            finally
            {
                await RunAsync("ip", "route", "del", "blackhole", $"{address}/32", "table", "local");
            }
        }
    }

    private static async Task<(Socket Client, Socket Server)> ConnectAsync(IPAddress address)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(address, 0));
        listener.Listen();
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await client.ConnectAsync(listener.LocalEndPoint!);
        return (client, await listener.AcceptAsync());
    }

    private static async Task<bool> RunAsync(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            await process.WaitForExitAsync().WaitAsync(s_timeout);
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
