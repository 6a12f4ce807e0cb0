namespace MtaTls.Quic;

/// <summary>The congestion controllers.</summary>
internal enum QuicCongestionControl
{
    /// <summary>CUBIC (RFC 9438).</summary>
    Cubic,

    /// <summary>NewReno (RFC 9002, section 7).</summary>
    Reno,

    /// <summary>BBR: bears loss that is not congestion.</summary>
    Bbr,
}
