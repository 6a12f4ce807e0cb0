namespace MtaTls.Quic.Ngtcp2;

/// <summary>QUIC transport error codes (RFC 9000, section 20.1).</summary>
internal static class QuicTransportError
{
    public const ulong InternalError = 0x1;
    public const ulong ConnectionRefused = 0x2;
    public const ulong InvalidToken = 0xb;

    /// <summary>The first of the codes 0x100 to 0x1ff, which are 0x100 + TLS alert.</summary>
    public const ulong CryptoError = 0x100;
    public const ulong CryptoErrorEnd = 0x1ff;
}
