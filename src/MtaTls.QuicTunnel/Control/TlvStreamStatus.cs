namespace MtaTls.QuicTunnel.Control;

internal enum TlvStreamStatus
{
    /// <summary>The TLV has not arrived whole yet.</summary>
    Incomplete,

    /// <summary>The stream's one TLV is there, and nothing after it.</summary>
    Complete,

    /// <summary>The stream ended without a single octet.</summary>
    Empty,

    /// <summary>The stream ended inside the TLV.</summary>
    Truncated,

    /// <summary>Octets came after the stream's one TLV.</summary>
    Excess,
}
