using System.Buffers.Binary;

namespace MtaTls.AgentHost;

/// <summary>Any number of bytes that both ends know: blocks that begin with their number.</summary>
internal sealed class Pattern(long length) : Stream
{
    private const int BlockSize = 64 * 1024;

    private readonly byte[] _block = CreateBlock();
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        int offset = (int)(_position % BlockSize), count = (int)Math.Min(Math.Min(buffer.Length, BlockSize - offset), length - _position);
        BinaryPrimitives.WriteInt64BigEndian(_block, _position / BlockSize);
        _block.AsSpan(offset, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => Task.FromResult(Read(buffer.AsSpan(offset, count)));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private static byte[] CreateBlock()
    {
        byte[] block = new byte[BlockSize];
        new Random(7).NextBytes(block);
        return block;
    }
}
