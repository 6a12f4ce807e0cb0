using System.IO.Pipelines;

namespace MtaTls;

/// <summary>A connection below TLS as a pair of pipes that read and write its stream straight: no loop, no task while nothing happens.</summary>
/// <param name="stream">The stream; its owner disposes it, before these.</param>
/// <param name="holdsBuffer">Whether a read that waits holds its buffer. Else it costs a system call more, and thousands of idle connections no memory.</param>
internal sealed class StreamPipes(Stream stream, bool holdsBuffer) : IDuplexPipe, IAsyncDisposable
{
    // Room for four full TLS records a read.
    private const int ReadBufferSize = 64 * 1024;

    // All that a flush of the send loop gathers, in one piece: four full records are a little more than 64 KiB, and the rest would be a send of its own.
    private const int WriteBufferSize = 128 * 1024;

    private int _disposed;

    public PipeReader Input { get; } =
        PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: ReadBufferSize, minimumReadSize: 4096, leaveOpen: true, useZeroByteReads: !holdsBuffer));

    public PipeWriter Output { get; } = PipeWriter.Create(stream, new StreamPipeWriterOptions(minimumBufferSize: WriteBufferSize, leaveOpen: true));

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await Input.CompleteAsync().ConfigureAwait(false);
        try
        {
            await Output.CompleteAsync(new IOException("The connection is closed.")).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // What could not be sent any more is lost with its connection.
        }
    }
}
