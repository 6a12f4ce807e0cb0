using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>A session id is a capability: 32 random octets, found by a hash and compared in constant time. Only its name is ever shown.</summary>
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

    /// <summary>For logs and people; says nothing of the id.</summary>
    public string Name { get; }

    public static SessionId Create() => new(RandomNumberGenerator.GetBytes(Length));

    public bool Matches(ReadOnlySpan<byte> value) => CryptographicOperations.FixedTimeEquals(_value, value);

    public static UInt128 KeyOf(ReadOnlySpan<byte> value)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(value, hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    // From the other half of the hash than the key.
    public static string NameOf(ReadOnlySpan<byte> value)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(value, hash);
        return Convert.ToHexStringLower(hash[24..]);
    }
}
