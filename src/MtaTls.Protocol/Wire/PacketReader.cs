using System.Buffers.Binary;

namespace MtaTls.Protocol;

/// <summary>Reads the fields of a packet's body in order. Each member throws an <see cref="MtaTlsProtocolException"/> when the body is too short or too long for its fields.</summary>
internal ref struct PacketReader(PacketType type, ReadOnlySpan<byte> body)
{
    private ReadOnlySpan<byte> _rest = body;

    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16BigEndian(Take(sizeof(ushort)));

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(sizeof(uint)));

    public ChannelId ReadChannelId() => new(ReadUInt32());

    /// <summary>Reads a TLS vector: a length of two octets, then the octets.</summary>
    public ReadOnlySpan<byte> ReadVector(int minLength)
    {
        ushort length = ReadUInt16();
        return length >= minLength ? Take(length) : throw new MtaTlsProtocolException($"The peer sent a {type} with an empty address.");
    }

    /// <summary>Checks that the body ends here.</summary>
    public readonly void End()
    {
        if (!_rest.IsEmpty)
        {
            throw new MtaTlsProtocolException($"The peer sent a {type} that is {_rest.Length} octets longer than its fields.");
        }
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (_rest.Length < count)
        {
            throw new MtaTlsProtocolException($"The peer sent a {type} that is too short for its fields.");
        }

        ReadOnlySpan<byte> taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}
