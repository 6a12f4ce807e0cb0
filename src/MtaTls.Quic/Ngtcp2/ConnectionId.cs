using System.Buffers.Binary;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>A connection id of at most 20 bytes, as a key for dictionaries.</summary>
internal readonly record struct ConnectionId
{
    /// <summary>The length of the ids that this end issues, in bytes.</summary>
    public const int LocalLength = 8;

    private readonly ulong _first, _second;
    private readonly uint _third;
    private readonly byte _length;

    public ConnectionId(ReadOnlySpan<byte> octets)
    {
        Span<byte> padded = stackalloc byte[Ngtcp2Structures.MaxConnectionIdLength];
        padded.Clear();
        octets.CopyTo(padded);
        _first = BinaryPrimitives.ReadUInt64LittleEndian(padded);
        _second = BinaryPrimitives.ReadUInt64LittleEndian(padded[8..]);
        _third = BinaryPrimitives.ReadUInt32LittleEndian(padded[16..]);
        _length = (byte)octets.Length;
    }

    public static unsafe ConnectionId From(NativeConnectionId* id) => new(new ReadOnlySpan<byte>(id->Data, (int)id->Length));
}
