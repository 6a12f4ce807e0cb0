using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MtaTls.Quic.Sockets;

/// <summary>A sockaddr_in or sockaddr_in6 as a value.</summary>
[StructLayout(LayoutKind.Sequential, Size = 32)]
internal unsafe struct RawAddress : IEquatable<RawAddress>
{
    public const int Capacity = 28;

    private fixed byte _octets[Capacity];
    public int Length;

    public RawAddress(IPEndPoint endPoint)
    {
        bool v6 = endPoint.AddressFamily == AddressFamily.InterNetworkV6;
        Length = v6 ? 28 : 16;
        fixed (byte* octets = _octets)
        {
            *(ushort*)octets = v6 ? LibSocket.Inet6 : LibSocket.Inet;
            BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(octets + 2, 2), (ushort)endPoint.Port);
            endPoint.Address.TryWriteBytes(new Span<byte>(octets + (v6 ? 8 : 4), v6 ? 16 : 4), out _);
            if (v6)
            {
                *(uint*)(octets + 24) = (uint)endPoint.Address.ScopeId;
            }
        }
    }

    public RawAddress(byte* address, int length)
    {
        Length = Math.Clamp(length, 0, Capacity);
        fixed (byte* octets = _octets)
        {
            new ReadOnlySpan<byte>(address, Length).CopyTo(new Span<byte>(octets, Capacity));
        }
    }

    public readonly ushort Family
    {
        get
        {
            fixed (byte* octets = _octets)
            {
                return *(ushort*)octets;
            }
        }
    }

    public readonly bool IsV6 => Family == LibSocket.Inet6;

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public readonly ReadOnlySpan<byte> Span => MemoryMarshal.CreateReadOnlySpan(in _octets[0], Length);

    /// <summary>The bytes of the port.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public readonly ReadOnlySpan<byte> PortOctets => MemoryMarshal.CreateReadOnlySpan(in _octets[2], 2);

    /// <summary>The bytes of the IP address, without the port.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public Span<byte> AddressOctets => MemoryMarshal.CreateSpan(ref _octets[IsV6 ? 8 : 4], IsV6 ? 16 : 4);

    public readonly IPEndPoint ToEndPoint()
    {
        fixed (byte* octets = _octets)
        {
            int port = BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(octets + 2, 2));
            return IsV6
                ? new IPEndPoint(new IPAddress(new ReadOnlySpan<byte>(octets + 8, 16), *(uint*)(octets + 24)), port)
                : new IPEndPoint(new IPAddress(new ReadOnlySpan<byte>(octets + 4, 4)), port);
        }
    }

    public readonly bool Equals(RawAddress other) => Span.SequenceEqual(other.Span);

    public override readonly bool Equals(object? obj) => obj is RawAddress other && Equals(other);

    public override readonly int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }
}
