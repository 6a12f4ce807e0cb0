using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

/// <summary>A transport as a stream, for PipeReader and PipeWriter. They make one asynchronous read and one write at a time, so other members are not supported.</summary>
internal sealed class TransportStream(IMtaTlsTransport transport) : Stream
{
    public long BytesRead { get; private set; }

    public long BytesWritten { get; private set; }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            int count = await transport.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            BytesRead += count;
            return count;
        }
        catch (IOException e) when (IsTruncation(e))
        {
            // Most HTTP servers, including Kestrel, end ordinary TLS without close_notify. As in SslStream this is a normal end, because HTTP detects truncation itself.
            return 0;
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        transport.Write(buffer.Span);
        BytesWritten += buffer.Length;
        return ValueTask.CompletedTask;
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => transport.FlushAsync(cancellationToken).AsTask();

    private static bool IsTruncation(Exception? e)
    {
        while (e is not (null or EndOfStreamException))
        {
            e = e.InnerException;
        }

        return e is not null;
    }

    public override void Flush() => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
