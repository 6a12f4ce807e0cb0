namespace MtaTls.Quic;

/// <summary>The congestion control algorithms.</summary>
internal enum QuicCongestionControl
{
    /// <summary>CUBIC (RFC 9438).</summary>
    Cubic,

    /// <summary>NewReno (RFC 9002, section 7).</summary>
    Reno,

    /// <summary>BBR, the first version. It keeps its rate on paths that lose packets without congestion.</summary>
    Bbr,
}
