using System.IO.Pipelines;

namespace MtaTls;

/// <summary>The connection below TLS as a pair of pipes that read and write its stream directly, without a loop or a task of their own.</summary>
/// <param name="stream">The stream. Its owner disposes it, before these pipes.</param>
/// <param name="holdsBuffer">Whether a pending read holds its buffer. Without it, each read costs one more system call, but thousands of idle connections hold no buffers.</param>
internal sealed class StreamPipes(Stream stream, bool holdsBuffer) : IDuplexPipe, IAsyncDisposable
{
    // Room for almost four full TLS records per read.
    private const int ReadBufferSize = 64 * 1024;

    // Room for all data of one flush of the send loop: four full TLS records are a little more than 64 KiB, and with a smaller buffer the rest would need a second send.
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
            // The connection is gone, so unsent data is lost.
        }
    }
}
