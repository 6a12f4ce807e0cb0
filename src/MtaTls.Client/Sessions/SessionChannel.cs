using System.IO.Pipelines;
using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

/// <summary>A channel of a session, as the transport of a client's channel.</summary>
internal sealed class SessionChannel(MtaTlsChannel channel, ClientSession session) : ChannelBacking
{
    public ClientSession Session => session;

    public override PipeReader Input => channel.Input;

    public override PipeWriter Output => channel.Output;

    public override ChannelId? Id => channel.Id;

    public override ReadOnlyMemory<byte> ApplicationProtocol => session.Connection.ApplicationProtocol;

    public override long BytesReceived => channel.BytesReceived;

    public override long BytesSent => channel.BytesSent;

    public override ValueTask CloseAsync(CancellationToken cancellationToken) => channel.CloseAsync(cancellationToken);

    public override void Abort(Exception? reason) => channel.Abort(reason);
}
