using MtaTls.Quic;
using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>The settings that all QUIC connections of the tunnel share: at the client, at the concentrator, and between concentrators.</summary>
internal static class TunnelQuicOptions
{
    public static void Apply(QuicConnectionOptions options, string? qlogDirectory, TunnelCongestionControl congestionControl)
    {
        options.ProbeDatagramHeader = TunnelDatagram.ProbeHeader;
        options.QlogDirectory = qlogDirectory;
        options.CongestionControl = congestionControl == TunnelCongestionControl.Bbr ? QuicCongestionControl.Bbr : QuicCongestionControl.Cubic;
    }
}
