namespace MtaTls.QuicTunnel.Control;

/// <summary>
/// The QUIC tunnel control TLVs (draft section 8.2.1, and section 7.1.1 of its companion for the Access Report). The last two are this implementation's own, and only for concentrators among themselves.
/// </summary>
internal enum TlvType : byte
{
    AccessReport = 0x00,
    NewSession = 0x01,
    SessionId = 0x02,
    JoinSession = 0x03,

    /// <summary>A concentrator joins a connection to a session on behalf of a client.</summary>
    RelayJoin = 0x40,

    /// <summary>The largest datagram, in bytes, that the client's path to the concentrator that relays carries: a value of 16 bits.</summary>
    PathLimit = 0x41,
}
