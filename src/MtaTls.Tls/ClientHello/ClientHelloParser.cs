using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;
using System.Text;

namespace MtaTls.Tls;

/// <summary>Parses a ClientHello of RFC 8446 (section 4.1.2) or RFC 5246 (section 7.4.1.2) from TLS records.</summary>
internal static class ClientHelloParser
{
    private const int RecordHeaderLength = 5;
    private const int MessageHeaderLength = 4;
    private const int MaxFragmentLength = 16_384;
    private const int MaxServerNameLength = 255;

    private const byte HandshakeRecord = 22;
    private const byte ClientHelloMessage = 1;

    private const ushort ServerNameExtension = 0;
    private const ushort AlpnExtension = 16;
    private const ushort SupportedVersionsExtension = 43;

    private static readonly IdnMapping s_idn = new();
    private static readonly SearchValues<byte> s_nameOctets = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."u8);

    public static ClientHelloStatus TryRead(in ReadOnlySequence<byte> buffer, ushort extensionType, int maxLength, out ClientHelloInfo? info)
    {
        info = null;
        ClientHelloStatus status = Measure(buffer, maxLength, out int recordsLength, out int messageLength);
        if (status != ClientHelloStatus.Complete)
        {
            return status;
        }

        byte[] rented = ArrayPool<byte>.Shared.Rent(messageLength);
        try
        {
            CopyMessage(buffer, rented.AsSpan(0, messageLength));
            info = Parse(rented.AsSpan(MessageHeaderLength, messageLength - MessageHeaderLength), extensionType, recordsLength);
            return info is null ? ClientHelloStatus.NotTls : ClientHelloStatus.Complete;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Walks through the records until the message is complete with its header. The header can be split over records too.</summary>
    private static ClientHelloStatus Measure(in ReadOnlySequence<byte> buffer, int maxLength, out int recordsLength, out int messageLength)
    {
        recordsLength = 0;
        messageLength = 0;
        var reader = new SequenceReader<byte>(buffer);
        Span<byte> header = stackalloc byte[MessageHeaderLength];
        int seen = 0;
        while (true)
        {
            // Each octet is checked as soon as it arrives: another protocol is recognized even when it sends fewer than five.
            if (!reader.TryRead(out byte type))
            {
                return ClientHelloStatus.NeedMore;
            }

            if (type != HandshakeRecord)
            {
                return ClientHelloStatus.NotTls;
            }

            if (!reader.TryRead(out byte major))
            {
                return ClientHelloStatus.NeedMore;
            }

            if (major != 3)
            {
                return ClientHelloStatus.NotTls;
            }

            if (!reader.TryRead(out byte _) || !reader.TryReadBigEndian(out short encodedLength))
            {
                return ClientHelloStatus.NeedMore;
            }

            int length = (ushort)encodedLength;
            if (length is 0 or > MaxFragmentLength)
            {
                return ClientHelloStatus.NotTls;
            }

            recordsLength += RecordHeaderLength + length;
            int available = (int)Math.Min(length, reader.Remaining);
            for (int taken = 0; seen + taken < MessageHeaderLength && taken < available; taken++)
            {
                _ = reader.TryPeek(taken, out header[seen + taken]);
            }

            reader.Advance(available);
            seen += available;
            if (seen > 0 && header[0] != ClientHelloMessage)
            {
                return ClientHelloStatus.NotTls;
            }

            if (seen >= MessageHeaderLength)
            {
                messageLength = MessageHeaderLength + (header[1] << 16 | header[2] << 8 | header[3]);
            }

            if (recordsLength > maxLength || messageLength > maxLength)
            {
                return ClientHelloStatus.TooLong;
            }

            // The last record must be complete too, because the reported length is that of the records.
            if (available < length)
            {
                return ClientHelloStatus.NeedMore;
            }

            if (messageLength > 0 && seen >= messageLength)
            {
                return ClientHelloStatus.Complete;
            }
        }
    }

    private static void CopyMessage(in ReadOnlySequence<byte> buffer, Span<byte> message)
    {
        var reader = new SequenceReader<byte>(buffer);
        while (!message.IsEmpty)
        {
            reader.Advance(RecordHeaderLength - 2);
            _ = reader.TryReadBigEndian(out short length);
            Span<byte> part = message[..Math.Min((ushort)length, message.Length)];
            _ = reader.TryCopyTo(part);
            reader.Advance(part.Length);
            message = message[part.Length..];
        }
    }

    private static ClientHelloInfo? Parse(ReadOnlySpan<byte> body, ushort extensionType, int recordsLength)
    {
        const int RandomLength = 32;
        if (!BinaryPrimitives.TryReadUInt16BigEndian(body, out ushort legacyVersion) || body.Length < 2 + RandomLength)
        {
            return null;
        }

        body = body[(2 + RandomLength)..];
        if (!TryTakeVector8(ref body, out ReadOnlySpan<byte> sessionId) || sessionId.Length > 32
            || !TryTakeVector16(ref body, out ReadOnlySpan<byte> cipherSuites) || cipherSuites.Length < 2 || cipherSuites.Length % 2 != 0
            || !TryTakeVector8(ref body, out ReadOnlySpan<byte> compression) || compression.IsEmpty)
        {
            return null;
        }

        bool offers = false;
        string? serverName = null;
        List<SslApplicationProtocol> protocols = [];
        SslProtocols versions = legacyVersion >= 0x0303 ? SslProtocols.Tls12 : SslProtocols.None;
        if (!body.IsEmpty)
        {
            if (!TryTakeVector16(ref body, out ReadOnlySpan<byte> extensions) || !body.IsEmpty)
            {
                return null;
            }

            while (!extensions.IsEmpty)
            {
                if (!BinaryPrimitives.TryReadUInt16BigEndian(extensions, out ushort type))
                {
                    return null;
                }

                extensions = extensions[2..];
                if (!TryTakeVector16(ref extensions, out ReadOnlySpan<byte> data))
                {
                    return null;
                }

                offers |= type == extensionType;
                switch (type)
                {
                    case ServerNameExtension:
                        serverName = ReadServerName(data);
                        break;
                    case AlpnExtension:
                        ReadApplicationProtocols(data, protocols);
                        break;
                    case SupportedVersionsExtension:
                        versions = ReadVersions(data);
                        break;
                }
            }
        }

        return new ClientHelloInfo
        {
            OffersExtension = offers,
            ServerName = serverName?.ToLowerInvariant(),
            SentServerName = serverName is null ? null : ToUnicode(serverName),
            ApplicationProtocols = protocols,
            Protocols = versions,
            Length = recordsLength,
        };
    }

    private static string? ReadServerName(ReadOnlySpan<byte> data)
    {
        if (!TryTakeVector16(ref data, out ReadOnlySpan<byte> list) || list.IsEmpty || list[0] != 0)
        {
            return null;
        }

        list = list[1..];
        return TryTakeVector16(ref list, out ReadOnlySpan<byte> name) && name.Length is > 0 and <= MaxServerNameLength && !name.ContainsAnyExcept(s_nameOctets)
            ? Encoding.ASCII.GetString(name)
            : null;
    }

    private static string ToUnicode(string name)
    {
        try
        {
            return s_idn.GetUnicode(name);
        }
        catch (ArgumentException)
        {
            // Not valid A-labels: SslStream passes the name as it was sent, too.
            return name;
        }
    }

    private static void ReadApplicationProtocols(ReadOnlySpan<byte> data, List<SslApplicationProtocol> protocols)
    {
        protocols.Clear();
        if (!TryTakeVector16(ref data, out ReadOnlySpan<byte> list))
        {
            return;
        }

        while (TryTakeVector8(ref list, out ReadOnlySpan<byte> name) && !name.IsEmpty)
        {
            protocols.Add(new SslApplicationProtocol(name.ToArray()));
        }
    }

    private static SslProtocols ReadVersions(ReadOnlySpan<byte> data)
    {
        SslProtocols versions = SslProtocols.None;
        if (TryTakeVector8(ref data, out ReadOnlySpan<byte> list))
        {
            for (; BinaryPrimitives.TryReadUInt16BigEndian(list, out ushort version); list = list[2..])
            {
                versions |= version switch
                {
                    0x0303 => SslProtocols.Tls12,
                    0x0304 => SslProtocols.Tls13,
                    _ => SslProtocols.None,
                };
            }
        }

        return versions;
    }

    private static bool TryTakeVector8(ref ReadOnlySpan<byte> from, out ReadOnlySpan<byte> vector)
        => TryTake(ref from, from.IsEmpty ? -1 : from[0], 1, out vector);

    private static bool TryTakeVector16(ref ReadOnlySpan<byte> from, out ReadOnlySpan<byte> vector)
        => TryTake(ref from, BinaryPrimitives.TryReadUInt16BigEndian(from, out ushort length) ? length : -1, 2, out vector);

    private static bool TryTake(ref ReadOnlySpan<byte> from, int length, int prefixLength, out ReadOnlySpan<byte> vector)
    {
        vector = default;
        if (length < 0 || from.Length - prefixLength < length)
        {
            return false;
        }

        vector = from.Slice(prefixLength, length);
        from = from[(prefixLength + length)..];
        return true;
    }
}
