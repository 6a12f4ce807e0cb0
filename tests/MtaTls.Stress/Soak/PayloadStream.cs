namespace MtaTls.Stress.Soak;

/// <summary>A payload as the content of a request. It can stop before its end, for requests that are cancelled in the middle.</summary>
internal sealed class PayloadStream(long seed, long length, long stopAt = long.MaxValue) : Stream
{
    private Payload _payload = new(seed, length);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        long sent = length - _payload.Left;
        if (sent >= stopAt)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        return _payload.Read(buffer.Span[..(int)Math.Min(buffer.Length, stopAt - sent)]);
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
