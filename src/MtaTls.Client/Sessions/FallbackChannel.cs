using System.IO.Pipelines;
using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

#pragma warning disable CA1001 // The stream is a view of the connection, which CloseAsync disposes.
/// <summary>An ordinary TLS connection in place of a channel, because the server does not speak MTA-TLS.</summary>
internal sealed class FallbackChannel : ChannelBacking
#pragma warning restore CA1001
{
    private readonly DialedConnection _connection;
    private readonly TransportStream _stream;

    public FallbackChannel(DialedConnection connection)
    {
        _connection = connection;
        _stream = new TransportStream(connection.Transport);
        Input = PipeReader.Create(_stream, new StreamPipeReaderOptions(bufferSize: 16 * 1024, leaveOpen: true));
        Output = PipeWriter.Create(_stream, new StreamPipeWriterOptions(minimumBufferSize: 16 * 1024, leaveOpen: true));
    }

    public override PipeReader Input { get; }

    public override PipeWriter Output { get; }

    public override ChannelId? Id => null;

    public override ReadOnlyMemory<byte> ApplicationProtocol => _connection.ApplicationProtocol;

    public override long BytesReceived => _stream.BytesRead;

    public override long BytesSent => _stream.BytesWritten;

    public override async ValueTask CloseAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Output.CompleteAsync().ConfigureAwait(false);
            await _connection.Transport.CompleteAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await _connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    public override void Abort(Exception? reason) => _connection.Transport.Abort(reason);
}
