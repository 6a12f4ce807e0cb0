namespace MtaTls.QuicTunnel;

/// <summary>The congestion control algorithm of the paths.</summary>
public enum TunnelCongestionControl
{
    /// <summary>CUBIC (RFC 9438).</summary>
    Cubic,

    /// <summary>BBR. It keeps its rate on paths that lose packets without congestion.</summary>
    Bbr,
}
