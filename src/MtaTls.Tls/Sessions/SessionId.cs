using System.Buffers.Binary;
using MtaTls.Tls.OpenSsl;

namespace MtaTls.Tls.Sessions;

/// <summary>The id of a TLS session: the 32 bytes that OpenSSL's server chooses. Shorter ids are padded with zeros.</summary>
internal readonly record struct SessionId(UInt128 High, UInt128 Low)
{
    public const int MaxLength = 32;

    public static SessionId From(ReadOnlySpan<byte> id)
    {
        Span<byte> padded = stackalloc byte[MaxLength];
        padded.Clear();
        id.CopyTo(padded);
        return new SessionId(BinaryPrimitives.ReadUInt128BigEndian(padded), BinaryPrimitives.ReadUInt128BigEndian(padded[16..]));
    }

    public static unsafe SessionId Of(nint session)
    {
        uint length = 0;
        byte* id = LibSsl.SSL_SESSION_get_id(session, &length);
        return From(new ReadOnlySpan<byte>(id, (int)length));
    }
}
