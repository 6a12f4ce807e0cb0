using Microsoft.Extensions.Time.Testing;

namespace MtaTls.Protocol.Tests;

/// <summary>How much the send loop writes before it flushes: much where that is cheap, little where what comes next would wait for it.</summary>
public class FlushTests
{
    private const int Length = 4 << 20;

    [Fact]
    public async Task A_connection_that_is_slow_to_take_a_flush_gets_a_record_at_a_time_and_a_fast_one_four()
    {
        (System.IO.Pipelines.IDuplexPipe near, System.IO.Pipelines.IDuplexPipe far) = DuplexPipe.CreatePair(new(pauseWriterThreshold: 0));
        var time = new FakeTimeProvider();
        var transport = new TimedTransport(new PipeTransport(near), time);
        await using var pair = SessionPair.Create(
            transport, new PipeTransport(far), new MtaTlsSessionOptions { TimeProvider = time },
            new MtaTlsSessionOptions { Limits = { InitialWindowSize = Length, MaxWindowSize = Length } });
        (MtaTlsChannel client, MtaTlsChannel server) = await pair.OpenAsync();
        Task reading = server.Input.CopyToAsync(Stream.Null);

        // All of it is there at once: what a flush takes is the send loop's choice alone.
        client.Output.GetMemory(Length);
        client.Output.Advance(Length);
        transport.Begin(slowUntil: 20);
        await client.Output.FlushAsync().AsTask().WaitAsync(SessionPair.HangTimeout);
        await client.DisposeAsync();
        await reading.WaitAsync(SessionPair.HangTimeout);

        Assert.InRange(transport.Flushes[0], 64 * 1024, 80 * 1024);
        Assert.All(transport.Flushes[1..20], static flush => Assert.InRange(flush, 1, 32 * 1024));
        Assert.All(transport.Flushes[24..32], static flush => Assert.InRange(flush, 64 * 1024, 80 * 1024));
    }

    /// <summary>Counts what each flush takes; the first of them last two milliseconds each.</summary>
    private sealed class TimedTransport(IMtaTlsTransport inner, FakeTimeProvider time) : IMtaTlsTransport
    {
        private int _slowUntil;
        private int _written;
        private volatile bool _begun;

        public List<int> Flushes { get; } = [];

        public void Begin(int slowUntil)
        {
            _slowUntil = slowUntil;
            _begun = true;
        }

        public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

        public Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public void Advance(int count)
        {
            _written += count;
            inner.Advance(count);
        }

        public void Write(ReadOnlySpan<byte> packets)
        {
            _written += packets.Length;
            inner.Write(packets);
        }

        public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
        {
            int written = _written;
            _written = 0;
            if (_begun)
            {
                Flushes.Add(written);
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
