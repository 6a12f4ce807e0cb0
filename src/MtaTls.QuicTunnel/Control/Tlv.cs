namespace MtaTls.QuicTunnel.Control;

/// <summary>Encodes TLVs: Type(8) Length(8) Value(Length).</summary>
internal static class Tlv
{
    public const int HeaderLength = 2;
    public const int MaxValueLength = byte.MaxValue;
    public const int MaxLength = HeaderLength + MaxValueLength;

    public static byte[] Encode(TlvType type, ReadOnlySpan<byte> value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value.Length, MaxValueLength);
        byte[] bytes = new byte[HeaderLength + value.Length];
        bytes[0] = (byte)type;
        bytes[1] = (byte)value.Length;
        value.CopyTo(bytes.AsSpan(HeaderLength));
        return bytes;
    }
}
