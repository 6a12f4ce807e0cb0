using MtaTls.Quic;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Client;

/// <summary>The client's end of its session: what comes out goes to the packet interface.</summary>
internal sealed class ClientSession(byte[] id, IPacketInterface packetInterface, DataPlaneOptions dataPlane, PathSupervisor supervisor, Action<TunnelPath, bool> onPathState, Action<TunnelPath, string> onPathHarmful)
    : TunnelSession(dataPlane, supervisor)
{
    public byte[] Id { get; } = id;

    public string Name { get; } = SessionId.NameOf(id);

    /// <param name="connection">The connection.</param>
    /// <param name="preference">The position of its local address among those of the options.</param>
    public TunnelPath? Join(IQuicConnection connection, int preference) => AddPath(connection, MaxPaths, preference);

    public int Leave(TunnelPath path) => RemovePath(path);

    public void End() => EndDataPlane();

    public override void Deliver(ushort protocolType, ReadOnlySpan<byte> packet)
    {
        if (!InnerPacket.TryRead(protocolType, packet, out _, out DropReason reason))
        {
            Counters.Dropped(reason);
        }
        else if (!packetInterface.Write(packet))
        {
            Counters.Dropped(DropReason.Interface);
        }
    }

    /// <summary>Takes the concentrator's word on addresses.</summary>
    public Action<ClientSession, AddressEntry[]>? OnAnswer { get; set; }

    public override void OnMessage(TunnelPath path, ReadOnlySpan<byte> message)
    {
        if (OnAnswer is { } onAnswer && AddressMessage.TryRead(message, out byte kind, out _, out AddressEntry[] entries) && kind == AddressMessage.Answer)
        {
            onAnswer(this, entries);
        }
        else
        {
            Counters.Dropped(DropReason.Malformed);
        }
    }

    /// <summary>Over every path that works.</summary>
    public void SendMessage(ReadOnlySpan<byte> message)
    {
        foreach (TunnelPath path in Paths)
        {
            if (path.Connection.IsConnected)
            {
                SendMessage(path, message);
            }
        }
    }

    public override void Flush() => packetInterface.Flush();

    protected override void OnPathStateChanged(TunnelPath path, bool left) => onPathState(path, left);

    protected override void OnPathHarmful(TunnelPath path, string why) => onPathHarmful(path, why);
}
