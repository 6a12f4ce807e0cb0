using System.Runtime.InteropServices;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>Constants that are the same in every binary interface of <see cref="Ngtcp2Abi"/>. The structures in this file are, too.</summary>
internal static class Ngtcp2Structures
{
    public const uint Version1 = 1;
    public const int MaxConnectionIdLength = 20;
    public const int StatelessResetTokenLength = 16;
    public const int MinInitialPacket = 1200;
    public const uint WriteStreamFin = 2;
    public const uint WriteDatagramMore = 1;
    public const uint StreamDataFin = 1;
    public const uint StreamCloseHasCode = 1;
    public const int PathValidationSuccess = 0;
    public const uint PathValidationPreferredAddress = 1;
    public const int CloseTransport = 0;
    public const int CloseApplication = 1;
    public const ulong NoExpiry = ulong.MaxValue;

    /// <summary>Room for a Retry token: NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN is 78 or 62.</summary>
    public const int MaxRetryToken = 96;
}

/// <summary>ngtcp2_cid</summary>
[StructLayout(LayoutKind.Sequential, Size = 32)]
internal unsafe struct NativeConnectionId
{
    public nuint Length;
    public fixed byte Data[Ngtcp2Structures.MaxConnectionIdLength];

    public NativeConnectionId(ReadOnlySpan<byte> id)
    {
        Length = (nuint)id.Length;
        fixed (byte* data = Data)
        {
            id.CopyTo(new Span<byte>(data, Ngtcp2Structures.MaxConnectionIdLength));
        }
    }
}

/// <summary>ngtcp2_vec</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeVector
{
    public byte* Base;
    public nuint Length;
}

/// <summary>ngtcp2_addr</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal unsafe struct NativeAddress
{
    public byte* Address;
    public uint Length;
}

/// <summary>ngtcp2_path</summary>
[StructLayout(LayoutKind.Sequential, Size = 40)]
internal struct NativePath
{
    public NativeAddress Local;
    public NativeAddress Remote;
    public nint UserData;
}

/// <summary>ngtcp2_preferred_addr</summary>
[StructLayout(LayoutKind.Sequential, Size = 96)]
internal unsafe struct NativePreferredAddress
{
    public NativeConnectionId ConnectionId;
    public fixed byte Ipv4[16]; // sockaddr_in
    public fixed byte Ipv6[28]; // sockaddr_in6
    public byte Ipv4Present;
    public byte Ipv6Present;
    public fixed byte StatelessResetToken[Ngtcp2Structures.StatelessResetTokenLength];
}

/// <summary>ngtcp2_version_cid</summary>
[StructLayout(LayoutKind.Sequential, Size = 40)]
internal unsafe struct NativeVersionCid
{
    public uint Version;
    public byte* DestinationId;
    public nuint DestinationIdLength;
    public byte* SourceId;
    public nuint SourceIdLength;
}

/// <summary>ngtcp2_pkt_hd (the token is an ngtcp2_vec in soname 9, a pointer and a length in 16: the same layout)</summary>
[StructLayout(LayoutKind.Sequential, Size = 112)]
internal unsafe struct NativePacketHeader
{
    public NativeConnectionId DestinationId;
    public NativeConnectionId SourceId;
    public long PacketNumber;
    public byte* Token;
    public nuint TokenLength;
    public nuint PacketNumberLength;
    public nuint Length;
    public uint Version;
    public byte Type;
    public byte Flags;
}

/// <summary>ngtcp2_connection_close_error / ngtcp2_ccerr</summary>
[StructLayout(LayoutKind.Sequential, Size = 40)]
internal unsafe struct NativeCloseError
{
    public int Type;
    public ulong Code;
    public ulong FrameType;
    public byte* Reason;
    public nuint ReasonLength;
}

/// <summary>ngtcp2_crypto_conn_ref</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal unsafe struct NativeConnectionReference
{
    public delegate* unmanaged[Cdecl]<NativeConnectionReference*, nint> GetConnection;
    public nint UserData;
}

/// <summary>ngtcp2_callbacks</summary>
[StructLayout(LayoutKind.Sequential, Size = 320)]
internal struct NativeCallbacks
{
    public nint ClientInitial;
    public nint ReceiveClientInitial;
    public nint ReceiveCryptoData;
    public nint HandshakeCompleted;
    public nint ReceiveVersionNegotiation;
    public nint Encrypt;
    public nint Decrypt;
    public nint HeaderProtectionMask;
    public nint ReceiveStreamData;
    public nint AckedStreamDataOffset;
    public nint StreamOpen;
    public nint StreamClose;
    public nint ReceiveStatelessReset;
    public nint ReceiveRetry;
    public nint ExtendMaxLocalStreamsBidi;
    public nint ExtendMaxLocalStreamsUni;
    public nint Random;
    public nint GetNewConnectionId;
    public nint RemoveConnectionId;
    public nint UpdateKey;
    public nint PathValidation;
    public nint SelectPreferredAddress;
    public nint StreamReset;
    public nint ExtendMaxRemoteStreamsBidi;
    public nint ExtendMaxRemoteStreamsUni;
    public nint ExtendMaxStreamData;
    public nint DestinationIdStatus;
    public nint HandshakeConfirmed;
    public nint ReceiveNewToken;
    public nint DeleteAeadContext;
    public nint DeleteCipherContext;
    public nint ReceiveDatagram;
    public nint AckDatagram;
    public nint LostDatagram;
    public nint GetPathChallengeData;
    public nint StreamStopSending;
    public nint VersionNegotiation;
    public nint ReceiveRxKey;
    public nint ReceiveTxKey;
    public nint EarlyDataRejected;
}
