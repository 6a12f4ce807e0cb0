using System.IO.Pipelines;

namespace MtaTls.AspNetCore.Connections;

/// <summary>
/// The transport of a channel that speaks HTTP/2. Once the session's go-away is sent, the next flush carries a GOAWAY that names the highest stream (RFC 9113, section 6.8). The client then begins
/// no further request on the channel, and the server still serves requests that were sent before it read the GOAWAY. Kestrel's own GOAWAY refuses those; Kestrel sends it when it stops.
/// </summary>
/// <remarks>Kestrel flushes only after whole frames, under its lock, so a GOAWAY that is added to a flush stands between two frames.</remarks>
internal sealed class Http2Transport(MtaTlsServerSession session, IDuplexPipe channel) : PipeWriter, IDuplexPipe
{
    private readonly PipeWriter _output = channel.Output;
    private bool _goAwayWritten;

    public PipeReader Input => channel.Input;

    public PipeWriter Output => this;

    public override bool CanGetUnflushedBytes => _output.CanGetUnflushedBytes;

    public override long UnflushedBytes => _output.UnflushedBytes;

    // A frame of length 8, type 7 (GOAWAY), no flags, stream 0; its payload: last stream 2^31-1, NO_ERROR.
    private static ReadOnlySpan<byte> GoAway => [0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];

    public override Memory<byte> GetMemory(int sizeHint = 0) => _output.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => _output.GetSpan(sizeHint);

    public override void Advance(int bytes) => _output.Advance(bytes);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (!_goAwayWritten && session.HasSentGoAway)
        {
            _goAwayWritten = true;
            GoAway.CopyTo(_output.GetSpan(GoAway.Length));
            _output.Advance(GoAway.Length);
        }

        return _output.FlushAsync(cancellationToken);
    }

    public override void CancelPendingFlush() => _output.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => _output.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => _output.CompleteAsync(exception);
}
