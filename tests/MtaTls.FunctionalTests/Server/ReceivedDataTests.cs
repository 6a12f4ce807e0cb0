using System.Net.Sockets;
using System.Text;
using MtaTls.AspNetCore;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Server;

/// <summary>The application gets all data that arrived before the end of a channel, whatever ended it.</summary>
public sealed class ReceivedDataTests
{
    private const int Length = 100_000;

    public enum End
    {
        ChannelCloseRequest,
        CloseNotify,
        Fin,
    }

    [Theory]
    [InlineData(End.ChannelCloseRequest, MtaTlsDispatch.FirstData)]
    [InlineData(End.ChannelCloseRequest, MtaTlsDispatch.Open)]
    [InlineData(End.CloseNotify, MtaTlsDispatch.FirstData)]
    [InlineData(End.CloseNotify, MtaTlsDispatch.Open)]
    [InlineData(End.Fin, MtaTlsDispatch.FirstData)]
    [InlineData(End.Fin, MtaTlsDispatch.Open)]
    public async Task A_complete_request_reaches_the_application_when_the_end_follows_at_once(End end, MtaTlsDispatch dispatch)
    {
        TaskCompletionSource<long> received = new();
        await using TestApp app = await TestApp.StartAsync(
            a => a.MapPost("/", (HttpContext context) => ReceiveAsync(context.Request.Body, received)),
            listen: e => e.UseMtaTls(o => o.Dispatch = dispatch));
        for (int i = 0; i < 5; i++)
        {
            await using RawClient client = await SendAsync(app.Port, end);
            Assert.Equal(Length, await received.Task.Soon());
            received = new();
        }
    }

    // Kestrel aborts a connection after its end, but the data stays readable.
    [Theory]
    [InlineData(End.ChannelCloseRequest)]
    [InlineData(End.CloseNotify)]
    [InlineData(End.Fin)]
    public async Task An_application_that_reads_after_Kestrel_has_followed_the_end_gets_all(End end)
    {
        TaskCompletionSource<long> received = new();
        await using TestApp app = await TestApp.StartAsync(a => a.MapPost("/", async (HttpContext context) =>
        {
            TaskCompletionSource aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
            using CancellationTokenRegistration registration = context.RequestAborted.Register(aborted.SetResult);
            await aborted.Task.Soon();
            await ReceiveAsync(context.Request.Body, received);
        }));
        await using RawClient client = await SendAsync(app.Port, end);
        Assert.Equal(Length, await received.Task.Soon());
    }

    private static async Task ReceiveAsync(Stream body, TaskCompletionSource<long> received)
    {
        try
        {
            MemoryStream all = new();
            await body.CopyToAsync(all);
            received.TrySetResult(all.Length);
        }
        catch (Exception e)
        {
            received.TrySetException(e);
        }
    }

    private static async Task<RawClient> SendAsync(int port, End end)
    {
        RawClient client = await RawClient.HandshakeAsync(port);
        RawPackets packets = new(client.Tls);
        ChannelId id = await packets.OpenAsync(1);
        packets.WriteData(id, [.. Encoding.ASCII.GetBytes($"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: {Length}\r\n\r\n"), .. new byte[Length]]);
        if (end == End.ChannelCloseRequest)
        {
            packets.WriteClose(id);
        }

        if (end == End.CloseNotify)
        {
            await client.Tls.CompleteAsync();
        }
        else
        {
            await client.Tls.FlushAsync();
        }

        if (end == End.Fin)
        {
            client.Socket.Shutdown(SocketShutdown.Send);
        }

        return client;
    }
}
