namespace MtaTls.QuicTunnel.Control;

/// <summary>The QUIC tunnel control TLVs (draft section 8.2.1, and section 7.1.1 of its companion for the Access Report).</summary>
internal enum TlvType : byte
{
    AccessReport = 0x00,
    NewSession = 0x01,
    SessionId = 0x02,
    JoinSession = 0x03,
}
