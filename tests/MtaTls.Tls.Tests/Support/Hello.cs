using System.Buffers.Binary;

namespace MtaTls.Tls.Tests.Support;

/// <summary>ClientHellos written by hand, octet by octet.</summary>
internal static class Hello
{
    /// <summary>server_name with one host name.</summary>
    public static byte[] ServerName(string name) => Extension(0, Vector16([0, .. Vector16(System.Text.Encoding.ASCII.GetBytes(name))]));

    public static byte[] Alpn(params string[] names) => Extension(16, Vector16([.. names.SelectMany(name => Vector8(System.Text.Encoding.ASCII.GetBytes(name)))]));

    public static byte[] SupportedVersions(params ushort[] versions) => Extension(43, Vector8([.. versions.SelectMany(Number)]));

    /// <summary>The other extensions that a server needs to choose TLS 1.3 or 1.2: groups, signature algorithms and a key share (X25519, any 32 octets).</summary>
    public static byte[][] KeyExchange() =>
    [
        Extension(10, Vector16([.. Number(0x001D), .. Number(0x0017)])),
        Extension(13, Vector16([.. Number(0x0403), .. Number(0x0804), .. Number(0x0401)])),
        Extension(51, Vector16([.. Number(0x001D), .. Vector16([9, .. new byte[31]])])),
    ];

    public static byte[] Extension(ushort type, byte[] body) => [.. Number(type), .. Vector16(body)];

    /// <summary>The handshake message, without records.</summary>
    public static byte[] Message(params byte[][] extensions) => Message(0x0303, [0x1301, 0xC02B, 0xC02F, 0x00FF], [0], extensions);

    /// <summary>The handshake message with the caller's version, cipher suites and compression methods.</summary>
    public static byte[] Message(ushort version, ushort[] cipherSuites, byte[] compressionMethods, params byte[][] extensions)
    {
        byte[] body =
        [
            .. Number(version),
            .. Enumerable.Range(0, 32).Select(i => (byte)i),
            .. Vector8(new byte[32]),
            .. Vector16([.. cipherSuites.SelectMany(Number)]),
            .. Vector8(compressionMethods),
            .. extensions.Length == 0 ? [] : Vector16([.. extensions.SelectMany(e => e)]),
        ];
        return [1, (byte)(body.Length >> 16), .. Number((ushort)body.Length), .. body];
    }

    /// <summary>A message in records of at most the given number of octets.</summary>
    public static byte[] Records(byte[] message, int fragmentLength = 16_384)
        => [.. message.Chunk(fragmentLength).SelectMany(fragment => (byte[])[22, 3, 1, .. Number((ushort)fragment.Length), .. fragment])];

    public static byte[] Number(ushort value)
    {
        byte[] number = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(number, value);
        return number;
    }

    public static byte[] Vector8(byte[] content) => [(byte)content.Length, .. content];

    public static byte[] Vector16(byte[] content) => [.. Number((ushort)content.Length), .. content];
}
