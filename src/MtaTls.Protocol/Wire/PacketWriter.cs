using System.Buffers.Binary;

namespace MtaTls.Protocol;

/// <summary>Writes the fields of a packet in order. The buffer must be long enough.</summary>
internal ref struct PacketWriter
{
    private readonly Span<byte> _buffer;

    /// <summary>Starts a packet: type and length.</summary>
    /// <param name="buffer">The memory for the packet.</param>
    /// <param name="type">The packet's type.</param>
    /// <param name="length">The value of the length field: for type 6 the octets of data, for all others the octets after the length field.</param>
    public PacketWriter(Span<byte> buffer, PacketType type, int length)
    {
        _buffer = buffer;
        _buffer[0] = (byte)type;
        Written = 1;
        if (type == PacketType.Plaintext)
        {
            WriteUInt32((uint)length);
        }
        else
        {
            WriteUInt16(checked((ushort)length));
        }
    }

    public int Written { get; private set; }

    public void WriteUInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[Written..], value);
        Written += sizeof(ushort);
    }

    public void WriteUInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_buffer[Written..], value);
        Written += sizeof(uint);
    }

    public void WriteVector(ReadOnlySpan<byte> octets)
    {
        WriteUInt16(checked((ushort)octets.Length));
        octets.CopyTo(_buffer[Written..]);
        Written += octets.Length;
    }
}
