using System.Net;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Client;

/// <summary>The client's end of its session. Packets from the tunnel go to the packet interface.</summary>
internal sealed class ClientSession(byte[] id, IPacketInterface packetInterface, DataPlaneOptions dataPlane, PathSupervisor supervisor, Action<TunnelPath, bool> onPathState, Action<TunnelPath, string> onPathHarmful)
    : TunnelSession(dataPlane, supervisor)
{
    private int _isSearching;

    public byte[] Id { get; } = id;

    public string Name { get; } = SessionId.NameOf(id);

    /// <summary>The own addresses of the concentrator that has the session, when it is one of several. Further connections go there.</summary>
    public IReadOnlyList<IPEndPoint> NodeAddresses { get; init; } = [];

    /// <summary>Whether the concentrator answers on no path.</summary>
    public bool IsSilent => !Array.Exists(Paths.ToArray(), static path => path.Connection.IsConnected && path is { IsStalled: false, HasSendError: false });

    /// <summary>Whether the calling link may look for another concentrator. One link at a time does.</summary>
    public bool TryBeginSearch() => Interlocked.Exchange(ref _isSearching, 1) == 0;

    public void EndSearch() => Volatile.Write(ref _isSearching, 0);

    /// <param name="connection">The connection that becomes a path.</param>
    /// <param name="preference">The index of its entry in <see cref="QuicTunnelClientOptions.LocalAddresses"/>.</param>
    /// <param name="isRelayed">Whether another concentrator than the session's relays the connection.</param>
    public TunnelPath? Join(IQuicConnection connection, int preference, bool isRelayed = false) => AddPath(connection, MaxPaths, preference, isRelayed);

    public int Leave(TunnelPath path) => RemovePath(path);

    public void End() => EndDataPlane();

    protected override bool AsksQuietPaths => true;

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

    /// <summary>Called with the concentrator's answers about addresses.</summary>
    public Action<ClientSession, AddressEntry[]>? OnAnswer { get; set; }

    public override void OnMessage(TunnelPath path, ReadOnlySpan<byte> message)
    {
        if (PathMessage.TryRead(message, out bool isRelayed, out int largestDatagram))
        {
            path.IsRelayed = isRelayed;
            path.RelayLimit = largestDatagram == 0 ? int.MaxValue : largestDatagram;
        }
        else if (OnAnswer is { } onAnswer && AddressMessage.TryRead(message, out byte kind, out _, out AddressEntry[] entries) && kind == AddressMessage.Answer)
        {
            onAnswer(this, entries);
        }
        else
        {
            Counters.Dropped(DropReason.Malformed);
        }
    }

    /// <summary>Sends an address message over every connected path.</summary>
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
