using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MtaTls.Quic.Sockets;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>The functions that ngtcp2 and GnuTLS call. No exception may pass through native code: it is kept in the connection, and the callback returns a failure.</summary>
internal static unsafe class Ngtcp2Callbacks
{
    private const int Failure = -502;

    /// <summary>Returns all callbacks, including those of the GnuTLS binding.</summary>
    public static NativeCallbacks Create(LibNgtcp2 library)
    {
        NativeCallbacks callbacks = library.CryptoCallbacks;
        callbacks.HandshakeCompleted = (nint)(delegate* unmanaged[Cdecl]<nint, nint, int>)&HandshakeCompleted;
        callbacks.HandshakeConfirmed = (nint)(delegate* unmanaged[Cdecl]<nint, nint, int>)&HandshakeConfirmed;
        callbacks.ReceiveVersionNegotiation = (nint)(delegate* unmanaged[Cdecl]<nint, void*, uint*, nuint, nint, int>)&ReceiveVersionNegotiation;
        callbacks.ReceiveStreamData = (nint)(delegate* unmanaged[Cdecl]<nint, uint, long, ulong, byte*, nuint, nint, nint, int>)&ReceiveStreamData;
        callbacks.AckedStreamDataOffset = (nint)(delegate* unmanaged[Cdecl]<nint, long, ulong, ulong, nint, nint, int>)&AckedStreamDataOffset;
        callbacks.StreamOpen = (nint)(delegate* unmanaged[Cdecl]<nint, long, nint, int>)&StreamOpen;
        callbacks.StreamClose = (nint)(delegate* unmanaged[Cdecl]<nint, uint, long, ulong, nint, nint, int>)&StreamClose;
        callbacks.StreamReset = (nint)(delegate* unmanaged[Cdecl]<nint, long, ulong, ulong, nint, nint, int>)&StreamReset;
        callbacks.ReceiveStatelessReset = (nint)(delegate* unmanaged[Cdecl]<nint, void*, nint, int>)&ReceiveStatelessReset;
        callbacks.Random = (nint)(delegate* unmanaged[Cdecl]<byte*, nuint, void*, void>)&FillRandom;
        callbacks.GetNewConnectionId = (nint)(delegate* unmanaged[Cdecl]<nint, NativeConnectionId*, byte*, nuint, nint, int>)&GetNewConnectionId;
        callbacks.RemoveConnectionId = (nint)(delegate* unmanaged[Cdecl]<nint, NativeConnectionId*, nint, int>)&RemoveConnectionId;
        callbacks.PathValidation = library.Abi.PathValidationTellsOldPath
            ? (nint)(delegate* unmanaged[Cdecl]<nint, uint, NativePath*, NativePath*, int, nint, int>)&PathValidationWithOldPath
            : (nint)(delegate* unmanaged[Cdecl]<nint, uint, NativePath*, int, nint, int>)&PathValidation;
        callbacks.SelectPreferredAddress = (nint)(delegate* unmanaged[Cdecl]<nint, NativePath*, NativePreferredAddress*, nint, int>)&SelectPreferredAddress;
        callbacks.ReceiveDatagram = (nint)(delegate* unmanaged[Cdecl]<nint, uint, byte*, nuint, nint, int>)&ReceiveDatagram;
        callbacks.LostDatagram = (nint)(delegate* unmanaged[Cdecl]<nint, ulong, nint, int>)&LostDatagram;
        callbacks.AckDatagram = (nint)(delegate* unmanaged[Cdecl]<nint, ulong, nint, int>)&AckDatagram;
        return callbacks;
    }

    /// <summary>The get_conn callback of ngtcp2_crypto_conn_ref: returns the ngtcp2 connection of a TLS session.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static nint GetConnection(NativeConnectionReference* reference) => From(reference->UserData).Native;

    /// <summary>GnuTLS's verify callback: returns 0 to accept the peer's certificate.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static int VerifyPeer(nint session)
    {
        Ngtcp2Connection? connection = null;
        try
        {
            connection = From(((NativeConnectionReference*)LibGnuTls.GetSessionPointer(session))->UserData);
            return connection.AcceptsPeer(session) ? 0 : -1;
        }
        catch (Exception exception)
        {
            connection?.CertificateFailed(exception);
            return -1;
        }
    }

    private static Ngtcp2Connection From(nint userData) => (Ngtcp2Connection)GCHandle.FromIntPtr(userData).Target!;

    private static int Fail(nint userData, Exception exception)
    {
        From(userData).PendingReason = new QuicCloseReason(QuicCloseKind.Transport, IsRemote: false, QuicTransportError.InternalError, "The handler threw an exception.", exception);
        return Failure;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int HandshakeCompleted(nint native, nint userData)
    {
        try
        {
            From(userData).OnHandshakeCompleted();
            return 0;
        }
        catch (Exception exception)
        {
            return Fail(userData, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int HandshakeConfirmed(nint native, nint userData)
    {
        try
        {
            From(userData).OnHandshakeConfirmed();
            return 0;
        }
        catch (Exception exception)
        {
            return Fail(userData, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ReceiveVersionNegotiation(nint native, void* header, uint* versions, nuint count, nint userData)
    {
        From(userData).PendingReason = new QuicCloseReason(QuicCloseKind.VersionNegotiation, IsRemote: true, Text: "The server does not support QUIC version 1.");
        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ReceiveStreamData(nint native, uint flags, long streamId, ulong offset, byte* data, nuint length, nint userData, nint streamData)
    {
        try
        {
            From(userData).OnStreamData(streamId, new ReadOnlySpan<byte>(data, (int)length), (flags & Ngtcp2Structures.StreamDataFin) != 0);
            return 0;
        }
        catch (Exception exception)
        {
            return Fail(userData, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int AckedStreamDataOffset(nint native, long streamId, ulong offset, ulong length, nint userData, nint streamData)
    {
        try
        {
            From(userData).OnStreamAcknowledged(streamId, (long)(offset + length));
            return 0;
        }
        catch (Exception exception)
        {
            return Fail(userData, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int StreamOpen(nint native, long streamId, nint userData)
    {
        try
        {
            From(userData).OnStreamOpened(streamId);
            return 0;
        }
        catch (Exception exception)
        {
            return Fail(userData, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int StreamClose(nint native, uint flags, long streamId, ulong code, nint userData, nint streamData)
    {
        try
        {
            From(userData).OnStreamClosed(streamId, (flags & Ngtcp2Structures.StreamCloseHasCode) != 0 ? code : null);
            return 0;
        }
        catch (Exception exception)
        {
            return Fail(userData, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int StreamReset(nint native, long streamId, ulong finalSize, ulong code, nint userData, nint streamData)
    {
        try
        {
            From(userData).OnStreamReset(streamId, code);
            return 0;
        }
        catch (Exception exception)
        {
            return Fail(userData, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ReceiveStatelessReset(nint native, void* reset, nint userData)
    {
        From(userData).PendingReason = new QuicCloseReason(QuicCloseKind.StatelessReset, IsRemote: true, Text: "The peer does not know this connection.");
        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void FillRandom(byte* destination, nuint length, void* context) => RandomNumberGenerator.Fill(new Span<byte>(destination, (int)length));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int GetNewConnectionId(nint native, NativeConnectionId* id, byte* token, nuint length, nint userData)
    {
        try
        {
            id->Length = length;
            From(userData).FillConnectionId(new Span<byte>(id->Data, (int)length), new Span<byte>(token, Ngtcp2Structures.StatelessResetTokenLength));
            return 0;
        }
        catch (Exception exception)
        {
            return Fail(userData, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int RemoveConnectionId(nint native, NativeConnectionId* id, nint userData)
    {
        try
        {
            From(userData).RemoveId(ConnectionId.From(id));
            return 0;
        }
        catch (Exception exception)
        {
            return Fail(userData, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int PathValidation(nint native, uint flags, NativePath* path, int result, nint userData) => PathValidated(flags, path, result, userData);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int PathValidationWithOldPath(nint native, uint flags, NativePath* path, NativePath* oldPath, int result, nint userData) =>
        PathValidated(flags, path, result, userData);

    private static int PathValidated(uint flags, NativePath* path, int result, nint userData)
    {
        try
        {
            bool success = result == Ngtcp2Structures.PathValidationSuccess;
            if ((flags & Ngtcp2Structures.PathValidationPreferredAddress) != 0)
            {
                From(userData).OnPreferredAddressValidated(success);
            }
            else
            {
                From(userData).OnPathValidated(success, new RawAddress(path->Local.Address, (int)path->Local.Length));
            }

            return 0;
        }
        catch (Exception exception)
        {
            return Fail(userData, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SelectPreferredAddress(nint native, NativePath* destination, NativePreferredAddress* preferred, nint userData)
    {
        try
        {
            From(userData).OnSelectPreferredAddress(destination, preferred);
            return 0;
        }
        catch (Exception exception)
        {
            return Fail(userData, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ReceiveDatagram(nint native, uint flags, byte* data, nuint length, nint userData)
    {
        try
        {
            From(userData).OnDatagram(new ReadOnlySpan<byte>(data, (int)length));
            return 0;
        }
        catch (Exception exception)
        {
            return Fail(userData, exception);
        }
    }

    /// <summary>The callback that receives qlog events.</summary>
    public static delegate* unmanaged[Cdecl]<nint, uint, byte*, nuint, void> QlogWriter => &WriteQlog;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void WriteQlog(nint userData, uint flags, byte* data, nuint length)
    {
        try
        {
            From(userData).OnQlog(new ReadOnlySpan<byte>(data, (int)length));
        }
        catch (Exception exception)
        {
            Fail(userData, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int LostDatagram(nint native, ulong id, nint userData)
    {
        try
        {
            From(userData).OnDatagramLost(id);
            return 0;
        }
        catch (Exception exception)
        {
            return Fail(userData, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int AckDatagram(nint native, ulong id, nint userData)
    {
        try
        {
            From(userData).OnDatagramAcknowledged(id);
            return 0;
        }
        catch (Exception exception)
        {
            return Fail(userData, exception);
        }
    }
}
