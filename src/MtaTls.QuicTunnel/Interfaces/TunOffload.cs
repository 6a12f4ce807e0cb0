namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>Which packets a TUN device takes and gives several of in one piece.</summary>
internal enum TunOffload
{
    /// <summary>None: each packet is one call, without a header of the device's.</summary>
    None,

    /// <summary>TCP, and checksums that are not computed yet.</summary>
    Tcp,

    /// <summary>UDP too (Linux 6.2).</summary>
    TcpAndUdp,
}
