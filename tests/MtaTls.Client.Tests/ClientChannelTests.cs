using System.Buffers;
using System.IO.Pipelines;
using MtaTls.Client.Sessions;
using MtaTls.Protocol;

namespace MtaTls.Client.Tests;

public class ClientChannelTests
{
    [Theory]
    [InlineData(8_192)]
    [InlineData(5_000)]
    [InlineData(0)]
    public async Task A_read_is_complete_even_if_another_channel_uses_its_memory_at_once(int room)
    {
        var reader = new ReusingReader();
        await using var channel = new MtaTlsClientChannel(new Backing(reader), new ChannelAddress("app.example", 443), _ => { });
        Assert.Equal(room, await channel.ReadAsync(new byte[room]));
        Assert.Equal(1, reader.Advanced);
    }

    // As on TCP, where the first write after the peer's FIN succeeds. HttpClient then notices the end when it reads, and retries the request.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_first_write_after_the_end_fails_unless_it_is_tolerated(bool tolerated)
    {
        var pipe = new Pipe();
        await pipe.Reader.CompleteAsync();
        await using var channel = new MtaTlsClientChannel(new Backing(pipe.Reader, pipe.Writer), new ChannelAddress("app.example", 443), _ => { }) { ToleratesLateWrite = tolerated };
        if (tolerated)
        {
            await channel.WriteAsync(new byte[1]);
        }

        await Assert.ThrowsAsync<IOException>(async () => await channel.WriteAsync(new byte[1]));
    }

    /// <summary>Returns two blocks. As soon as the reader has advanced, another stream uses them in reverse order, as a pool returns the latest block first.</summary>
    private sealed class ReusingReader : PipeReader
    {
        private const int BlockSize = 4_096;
        private readonly Segment _first = new(0);
        private readonly Segment _second = new(BlockSize);

        public int Advanced { get; private set; }

        public override bool TryRead(out ReadResult result)
        {
            Assert.Equal(0, Advanced);
            _first.Append(_second);
            result = new(new(_first, 0, _second, BlockSize), isCanceled: false, isCompleted: false);
            return true;
        }

        public override void AdvanceTo(SequencePosition consumed)
        {
            Advanced++;
            _first.MoveTo(BlockSize);
            _second.MoveTo(0);
        }

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => AdvanceTo(consumed);

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => throw new InvalidOperationException("Data that had arrived was lost.");

        public override void CancelPendingRead() => throw new NotSupportedException();

        public override void Complete(Exception? exception = null)
        {
        }

        private sealed class Segment : ReadOnlySequenceSegment<byte>
        {
            public Segment(long position)
            {
                Memory = new byte[BlockSize];
                RunningIndex = position;
            }

            public void Append(Segment next) => Next = next;

            public void MoveTo(long position) => RunningIndex = position;
        }
    }

    private sealed class Backing(PipeReader input, PipeWriter? output = null) : ChannelBacking
    {
        public override PipeReader Input => input;

        public override PipeWriter Output => output ?? throw new NotSupportedException();

        public override ChannelId? Id => null;

        public override ReadOnlyMemory<byte> ApplicationProtocol => default;

        public override long BytesReceived => 0;

        public override long BytesSent => 0;

        public override ValueTask CloseAsync(CancellationToken cancellationToken) => default;

        public override void Abort(Exception? reason)
        {
        }
    }
}
