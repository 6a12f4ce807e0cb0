using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>A session id: 32 random bytes. Knowing it permits joining the session, so it is looked up by a hash, compared in constant time, and never logged. Logs show its name.</summary>
internal sealed class SessionId
{
    public const int Length = 32;

    private readonly byte[] _value;

    private SessionId(byte[] value)
    {
        _value = value;
        Key = KeyOf(value);
        Name = NameOf(value);
    }

    public ReadOnlySpan<byte> Value => _value;

    public UInt128 Key { get; }

    /// <summary>The name for logs. It reveals nothing about the id.</summary>
    public string Name { get; }

    public static SessionId Create() => new(RandomNumberGenerator.GetBytes(Length));

    public bool Matches(ReadOnlySpan<byte> value) => CryptographicOperations.FixedTimeEquals(_value, value);

    public static UInt128 KeyOf(ReadOnlySpan<byte> value)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(value, hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    // The name and the key use different parts of the hash.
    public static string NameOf(ReadOnlySpan<byte> value)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(value, hash);
        return Convert.ToHexStringLower(hash[24..]);
    }
}
