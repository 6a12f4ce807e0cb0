namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>The protocols whose packets a TUN device and the host exchange as merged packets.</summary>
internal enum TunOffload
{
    /// <summary>No protocol. Each packet needs its own call and has no offload header.</summary>
    None,

    /// <summary>TCP. Checksums may be incomplete.</summary>
    Tcp,

    /// <summary>TCP and UDP (Linux 6.2 or later).</summary>
    TcpAndUdp,
}
