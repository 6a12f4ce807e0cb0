namespace MtaTls.QuicTunnel;

/// <summary>The congestion control of the paths.</summary>
public enum TunnelCongestionControl
{
    /// <summary>CUBIC (RFC 9438).</summary>
    Cubic,

    /// <summary>BBR: keeps its rate on paths that lose packets without being full.</summary>
    Bbr,
}
