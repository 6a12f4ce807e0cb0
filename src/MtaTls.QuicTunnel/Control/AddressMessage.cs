using System.Buffers.Binary;

namespace MtaTls.QuicTunnel.Control;

/// <summary>The status of an address in an <see cref="AddressMessage"/>.</summary>
internal enum AddressStatus : byte
{
    /// <summary>In a request: the client uses the address.</summary>
    Used = 0,

    /// <summary>In an answer: the address belongs to the session.</summary>
    Own = 1,

    /// <summary>In an answer: the address belongs to another session. Packets from it are dropped.</summary>
    Taken = 2,

    /// <summary>In an answer: the client may not use the address. Packets from it are dropped.</summary>
    Refused = 3,
}

/// <summary>One address of an <see cref="AddressMessage"/>, IPv4 as IPv4-mapped IPv6.</summary>
internal readonly record struct AddressEntry(AddressStatus Status, byte PrefixLength, UInt128 Address);

/// <summary>
/// The message with which client and concentrator agree on addresses; the draft does not define one. It is a datagram with the Protocol Type 0x88B5, which IEEE 802 reserves for local experiments and which other
/// implementations drop.
/// <code>Kind(8) Flags(8) Count(8), then for each address: Status(8) Prefix Length(8) Address(128)</code>
/// The client sends a request (kind 1) with the addresses that it uses, and with flag 1 to request others. The concentrator sends an answer (kind 2) with the status of each, and with the session's addresses.
/// </summary>
internal static class AddressMessage
{
    public const byte Request = 1, Answer = 2, Wants = 1;
    public const int MaxEntries = 32;
    public const int MaxLength = HeaderLength + (MaxEntries * EntryLength);

    private const int HeaderLength = 3, EntryLength = 18;

    public static int Write(Span<byte> message, byte kind, byte flags, ReadOnlySpan<AddressEntry> entries)
    {
        (message[0], message[1], message[2]) = (kind, flags, (byte)entries.Length);
        Span<byte> rest = message[HeaderLength..];
        foreach (AddressEntry entry in entries)
        {
            (rest[0], rest[1]) = ((byte)entry.Status, entry.PrefixLength);
            BinaryPrimitives.WriteUInt128BigEndian(rest[2..], entry.Address);
            rest = rest[EntryLength..];
        }

        return HeaderLength + (entries.Length * EntryLength);
    }

    /// <summary>Reads a message. False if it is malformed or has more than <see cref="MaxEntries"/> addresses.</summary>
    public static bool TryRead(ReadOnlySpan<byte> message, out byte kind, out byte flags, out AddressEntry[] entries)
    {
        (kind, flags, entries) = (0, 0, []);
        if (message.Length < HeaderLength || message[2] > MaxEntries || message.Length != HeaderLength + (message[2] * EntryLength))
        {
            return false;
        }

        (kind, flags) = (message[0], message[1]);
        entries = new AddressEntry[message[2]];
        for (int i = 0; i < entries.Length; i++)
        {
            ReadOnlySpan<byte> entry = message.Slice(HeaderLength + (i * EntryLength), EntryLength);
            if (entry[0] > (byte)AddressStatus.Refused || entry[1] > 128)
            {
                return false;
            }

            entries[i] = new AddressEntry((AddressStatus)entry[0], entry[1], BinaryPrimitives.ReadUInt128BigEndian(entry[2..]));
        }

        return kind is Request or Answer;
    }
}
