using System.IO.Pipelines;

namespace MtaTls.AspNetCore.Connections;

/// <summary>
/// The transport of a channel that speaks HTTP/2. Once the session's go-away is sent, the next flush carries a GOAWAY that names the highest stream (RFC 9113, section 6.8): the client begins no
/// further request on the channel, and those that cross with it are still served. Kestrel's own GOAWAY, which refuses them, comes when it stops.
/// </summary>
/// <remarks>Kestrel flushes under its lock after whole frames, so a flush is a place between two.</remarks>
internal sealed class Http2Transport(MtaTlsServerSession session, IDuplexPipe channel) : PipeWriter, IDuplexPipe
{
    private readonly PipeWriter _output = channel.Output;
    private bool _told;

    public PipeReader Input => channel.Input;

    public PipeWriter Output => this;

    public override bool CanGetUnflushedBytes => _output.CanGetUnflushedBytes;

    public override long UnflushedBytes => _output.UnflushedBytes;

    // Length 8, type 7, no flags, stream 0; last stream 2^31-1, NO_ERROR.
    private static ReadOnlySpan<byte> GoAway => [0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];

    public override Memory<byte> GetMemory(int sizeHint = 0) => _output.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => _output.GetSpan(sizeHint);

    public override void Advance(int bytes) => _output.Advance(bytes);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (!_told && session.IsLeft)
        {
            _told = true;
            GoAway.CopyTo(_output.GetSpan(GoAway.Length));
            _output.Advance(GoAway.Length);
        }

        return _output.FlushAsync(cancellationToken);
    }

    public override void CancelPendingFlush() => _output.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => _output.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => _output.CompleteAsync(exception);
}
