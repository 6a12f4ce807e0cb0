using System.Net;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel;

/// <summary>A snapshot of one connection (path) of a session.</summary>
public sealed class TunnelPathInfo
{
    internal TunnelPathInfo(TunnelPath path)
    {
        IQuicConnection connection = path.Connection;
        LocalEndPoint = connection.LocalEndPoint;
        RemoteEndPoint = connection.RemoteEndPoint;
        Access = path.Access;
        State = path.State;
        IsRelayed = path.IsRelayed;
        RoundTripTime = connection.SmoothedRtt;
        CongestionWindow = connection.CongestionWindow;
        MaxPacketSize = Math.Max(0, path.MaxDatagramSize - Packets.TunnelDatagram.HeaderLength);
        QuicConnectionStatistics statistics = connection.Statistics;
        BytesReceived = statistics.BytesReceived;
        BytesSent = statistics.BytesSent;
        PacketsReceived = statistics.DatagramsReceived;
        PacketsSent = statistics.DatagramsSent;
        PacketsLost = statistics.DatagramsLost;
    }

    /// <summary>The local address and UDP port of this end.</summary>
    public IPEndPoint LocalEndPoint { get; }

    /// <summary>The address and UDP port of the peer.</summary>
    public IPEndPoint RemoteEndPoint { get; }

    /// <summary>The kind of access network that the client has reported; <see cref="AccessNetwork.Unknown"/> without a report.</summary>
    public AccessNetwork Access { get; }

    /// <summary>Whether the path works and is used.</summary>
    public TunnelPathState State { get; }

    /// <summary>Whether another concentrator relays the path. It carries packets only while no direct path works. At the concentrator, <see cref="RemoteEndPoint"/> is then the other one.</summary>
    public bool IsRelayed { get; }

    /// <summary>The smoothed round-trip time.</summary>
    public TimeSpan RoundTripTime { get; }

    /// <summary>The congestion window, in bytes.</summary>
    public long CongestionWindow { get; }

    /// <summary>The largest IP packet that the path carries now, in bytes; 0 if it carries none.</summary>
    public int MaxPacketSize { get; }

    /// <summary>Received bytes of UDP payload.</summary>
    public long BytesReceived { get; }

    /// <summary>Sent bytes of UDP payload.</summary>
    public long BytesSent { get; }

    /// <summary>Received datagrams: IP packets, and a few messages of the tunnel itself.</summary>
    public long PacketsReceived { get; }

    /// <summary>Sent datagrams: IP packets, including repeated ones, and a few messages of the tunnel itself.</summary>
    public long PacketsSent { get; }

    /// <summary>Sent datagrams that were declared lost.</summary>
    public long PacketsLost { get; }
}
