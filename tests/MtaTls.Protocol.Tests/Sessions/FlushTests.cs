using System.IO.Pipelines;
using Microsoft.Extensions.Time.Testing;

namespace MtaTls.Protocol.Tests;

/// <summary>How much the send loop writes before it flushes: much on a fast connection, little on a slow one, where the next packet would wait for it.</summary>
public class FlushTests
{
    private const int Length = 4 << 20;

    [Fact]
    public async Task A_connection_that_is_slow_to_take_a_flush_gets_a_record_at_a_time_and_a_fast_one_four()
    {
        (IDuplexPipe near, IDuplexPipe far) = DuplexPipe.CreatePair(new(pauseWriterThreshold: 0));
        var time = new FakeTimeProvider();
        var transport = new TimedTransport(new PipeTransport(near), time);
        await using var pair = SessionPair.Create(
            transport, new PipeTransport(far), new MtaTlsSessionOptions { TimeProvider = time },
            new MtaTlsSessionOptions { Limits = { InitialWindowSize = Length, MaxWindowSize = Length } });
        (MtaTlsChannel client, MtaTlsChannel server) = await pair.OpenAsync();
        Task reading = server.Input.CopyToAsync(Stream.Null);

        // All data is there at once, so only the send loop decides how much a flush takes.
        client.Output.GetMemory(Length);
        client.Output.Advance(Length);
        transport.Begin(slowUntil: 20);
        await client.Output.FlushAsync().AsTask().WaitAsync(SessionPair.HangTimeout);
        await client.DisposeAsync();
        await reading.WaitAsync(SessionPair.HangTimeout);

        Assert.Equal(new Flush(64 * 1024, 16 * 1024), transport.Flushes[0]);
        Assert.All(transport.Flushes[1..20], static flush => Assert.Equal(new Flush(16 * 1024, 16 * 1024), flush));
        Assert.All(transport.Flushes[24..32], static flush => Assert.Equal(new Flush(64 * 1024, 16 * 1024), flush));
    }

    [Fact]
    public async Task The_answers_to_all_that_one_read_has_brought_share_a_flush()
    {
        const int Requests = 20;
        (IDuplexPipe near, IDuplexPipe far) = DuplexPipe.CreatePair(new PipeOptions(readerScheduler: PipeScheduler.Inline));
        var transport = new TimedTransport(new PipeTransport(near), new FakeTimeProvider());
        await using var session = MtaTlsSession.Start(transport, new MtaTlsSessionOptions
        {
            Role = MtaTlsRole.Server,
            ChannelRequested = static request =>
            {
                request.Refuse("No");
                Thread.Sleep(10); // gives the send loop time to send without the next one
            },
        });
        int answer = RawPeer.Echec(1, "No").Length;
        await SendAsync(1); // from now on the session waits for data
        // This can run inside the send loop's flush, so let the send loop have its thread back and go to sleep first.
        while (!session.Queue.IsAsleep)
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }


        transport.Begin(slowUntil: 0);
        await SendAsync(Requests);

        Assert.Equal(new Flush(Requests * answer, 0), Assert.Single(transport.Flushes));

        async Task SendAsync(int count)
        {
            byte[] requests = [.. Enumerable.Range(1, count).SelectMany(static i => RawPeer.Request((ushort)i))];
            // The session reads on the thread that writes: a dedicated thread, so that the thread pool is free for the send loop.
            await Task.Factory.StartNew(() => far.Output.WriteAsync(requests).AsTask().Wait(), TaskCreationOptions.LongRunning).WaitAsync(SessionPair.HangTimeout);
            ReadResult answers = await far.Input.ReadAtLeastAsync(count * answer).AsTask().WaitAsync(SessionPair.HangTimeout);
            far.Input.AdvanceTo(answers.Buffer.End);
        }
    }

    [Fact]
    public async Task What_other_channels_write_does_not_wait_for_the_application_on_the_read_loop()
    {
        using var goOn = new SemaphoreSlim(0);
        MtaTlsChannel? first = null;
        await using var peer = RawPeer.Create(configure: options => options.ChannelRequested = request =>
        {
            if (first is null)
            {
                first = request.Accept();
                return;
            }
            goOn.Wait(SessionPair.HangTimeout);
            request.Refuse("No");
        });
        await peer.SendAsync(RawPeer.Request(1));
        await peer.ReceiveAsync(PacketType.ChannelEstablishmentSuccess);

        await peer.SendAsync(RawPeer.Request(2)); // the application blocks the read loop
        await first!.Output.WriteAsync("x"u8.ToArray());

        byte[] received = (await peer.ReceiveAsync(PacketType.Plaintext)).Data;
        Assert.Equal("x"u8, received);
        goOn.Release();
        await peer.ReceiveAsync(PacketType.ChannelRequestEchec);
    }

    private readonly record struct Flush(int Octets, int LongestRecord);

    /// <summary>Counts the bytes of each flush. The first flushes take two milliseconds each.</summary>
    private sealed class TimedTransport(IMtaTlsTransport inner, FakeTimeProvider time) : IMtaTlsTransport
    {
        private int _slowUntil;
        private Flush _next;
        private volatile bool _begun;

        public List<Flush> Flushes { get; } = [];

        public void Begin(int slowUntil)
        {
            _slowUntil = slowUntil;
            _begun = true;
        }

        public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

        public Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public void Advance(int count)
        {
            _next = _next with { Octets = _next.Octets + count };
            inner.Advance(count);
        }

        public void Write(ReadOnlySpan<byte> packets)
        {
            _next = new(_next.Octets + packets.Length, Math.Max(_next.LongestRecord, packets.Length));
            inner.Write(packets);
        }

        public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
        {
            Flush flush = _next;
            _next = default;
            if (_begun)
            {
                Flushes.Add(flush);
                if (Flushes.Count <= _slowUntil)
                {
                    await Task.Yield();
                    time.Advance(TimeSpan.FromMilliseconds(2));
                }
            }
            await inner.FlushAsync(cancellationToken);
        }

        public ValueTask CompleteAsync(CancellationToken cancellationToken = default) => inner.CompleteAsync(cancellationToken);

        public void Abort(Exception? reason = null) => inner.Abort(reason);

        public void ForbidResumption() => inner.ForbidResumption();

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
