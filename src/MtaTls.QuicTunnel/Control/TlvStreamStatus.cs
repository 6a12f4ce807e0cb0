namespace MtaTls.QuicTunnel.Control;

/// <summary>The state of a stream that carries one TLV.</summary>
internal enum TlvStreamStatus
{
    /// <summary>The TLV is not complete yet.</summary>
    Incomplete,

    /// <summary>The TLV is complete, and no data follows.</summary>
    Complete,

    /// <summary>The stream ended without data.</summary>
    Empty,

    /// <summary>The stream ended inside the TLV.</summary>
    Truncated,

    /// <summary>Data followed after the TLV.</summary>
    Excess,
}
