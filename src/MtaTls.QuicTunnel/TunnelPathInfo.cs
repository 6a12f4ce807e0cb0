using System.Net;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel;

/// <summary>One connection of a session as it was when it was asked for.</summary>
public sealed class TunnelPathInfo
{
    internal TunnelPathInfo(TunnelPath path)
    {
        IQuicConnection connection = path.Connection;
        LocalEndPoint = connection.LocalEndPoint;
        RemoteEndPoint = connection.RemoteEndPoint;
        Access = path.Access;
        State = path.State;
        RoundTripTime = connection.SmoothedRtt;
        CongestionWindow = connection.CongestionWindow;
        MaxPacketSize = Math.Max(0, connection.MaxDatagramSize - Packets.TunnelDatagram.HeaderLength);
        QuicConnectionStatistics statistics = connection.Statistics;
        BytesReceived = statistics.BytesReceived;
        BytesSent = statistics.BytesSent;
        PacketsReceived = statistics.DatagramsReceived;
        PacketsSent = statistics.DatagramsSent;
        PacketsLost = statistics.DatagramsLost;
    }

    /// <summary>This end's address.</summary>
    public IPEndPoint LocalEndPoint { get; }

    /// <summary>The peer's address.</summary>
    public IPEndPoint RemoteEndPoint { get; }

    /// <summary>The access network that the client named in a report, if any.</summary>
    public AccessNetwork Access { get; }

    /// <summary>Whether the path is used.</summary>
    public TunnelPathState State { get; }

    /// <summary>The smoothed round-trip time.</summary>
    public TimeSpan RoundTripTime { get; }

    /// <summary>The congestion window in octets.</summary>
    public long CongestionWindow { get; }

    /// <summary>The largest packet in octets that the path carries.</summary>
    public int MaxPacketSize { get; }

    /// <summary>Octets of UDP payload received.</summary>
    public long BytesReceived { get; }

    /// <summary>Octets of UDP payload sent.</summary>
    public long BytesSent { get; }

    /// <summary>Tunnelled packets received.</summary>
    public long PacketsReceived { get; }

    /// <summary>Tunnelled packets sent.</summary>
    public long PacketsSent { get; }

    /// <summary>Tunnelled packets sent and declared lost.</summary>
    public long PacketsLost { get; }
}
