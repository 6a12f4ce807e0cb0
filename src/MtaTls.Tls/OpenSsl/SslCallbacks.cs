using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MtaTls.Tls.OpenSsl;

/// <summary>
/// OpenSSL's callbacks. Each finds its connection with <see cref="SslPump.Current"/>. An exception must not pass through the native frames:
/// the pump remembers it, and the result of the callback makes the handshake fail.
/// </summary>
internal static unsafe class SslCallbacks
{
    private const int VerifyUnspecified = 1;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static int AddExtension(nint ssl, uint type, uint context, byte** body, nuint* length, nint certificate, nuint index, int* alert, nint argument)
    {
        *body = null;
        *length = 0;
        SslPump? pump = SslPump.Current;
        try
        {
            return pump is not null && pump.Role.AddExtension() ? 1 : 0;
        }
        catch (Exception e)
        {
            pump?.CallbackFailed(e);
            *alert = (int)TlsAlert.InternalError;
            return -1;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static int ParseExtension(nint ssl, uint type, uint context, byte* body, nuint length, nint certificate, nuint index, int* alert, nint argument)
    {
        SslPump? pump = SslPump.Current;
        try
        {
            *alert = (int)TlsAlert.DecodeError;
            return pump is not null && pump.Role.ParseExtension((int)length) ? 1 : 0;
        }
        catch (Exception e)
        {
            pump?.CallbackFailed(e);
            *alert = (int)TlsAlert.InternalError;
            return 0;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static int ClientHello(nint ssl, int* alert, nint argument)
    {
        SslPump? pump = SslPump.Current;
        try
        {
            if (pump?.Role.InspectClientHello(ssl) is not { } refusal)
            {
                return pump is null ? 0 : 1;
            }

            *alert = (int)refusal;
            return 0;
        }
        catch (Exception e)
        {
            pump?.CallbackFailed(e);
            *alert = (int)TlsAlert.InternalError;
            return 0;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static int SelectProtocol(nint ssl, byte** selected, byte* selectedLength, byte* offered, uint length, nint argument)
    {
        SslPump? pump = SslPump.Current;
        try
        {
            if (pump is null || !pump.Role.TrySelectProtocol(new ReadOnlySpan<byte>(offered, (int)length), out Range name))
            {
                return LibSsl.AlpnFatal;
            }

            (int start, int count) = name.GetOffsetAndLength((int)length);
            *selected = offered + start;
            *selectedLength = (byte)count;
            return LibSsl.AlpnOk;
        }
        catch (Exception e)
        {
            pump?.CallbackFailed(e);
            return LibSsl.AlpnFatal;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static int VerifyPeer(nint storeContext, nint argument)
    {
        SslPump? pump = SslPump.Current;
        int error = VerifyUnspecified;
        try
        {
            error = pump?.Role.VerifyPeer(storeContext) ?? VerifyUnspecified;
            ForgetForeignErrors();
        }
        catch (Exception e)
        {
            pump?.CallbackFailed(e);
        }

        LibSsl.X509_STORE_CTX_set_error(storeContext, error);
        return error == 0 ? 1 : 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static int ProvideCertificate(nint ssl, nint argument)
    {
        SslPump? pump = SslPump.Current;
        try
        {
            pump?.Role.ProvideCertificate(ssl);
            ForgetForeignErrors();
            return 1;
        }
        catch (Exception e)
        {
            pump?.CallbackFailed(e);
            return 0;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static int NewSession(nint ssl, nint session)
    {
        SslPump? pump = SslPump.Current;
        try
        {
            return pump is not null && pump.Role.KeepSession(ssl, session) ? 1 : 0;
        }
        catch (Exception e)
        {
            pump?.CallbackFailed(e);
            return 0;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static nint FindSession(nint ssl, byte* id, int length, int* copy)
    {
        // 0 tells OpenSSL that the returned reference belongs to it. It was taken while the cache was locked.
        *copy = 0;
        SslPump? pump = SslPump.Current;
        try
        {
            nint session = pump?.Role.FindSession(new ReadOnlySpan<byte>(id, length)) ?? 0;
            ForgetForeignErrors();
            return session;
        }
        catch (Exception)
        {
            // The session is not resumed. The full handshake validates the certificate again and reports its failure.
            return 0;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static void RemoveSession(nint context, nint session)
    {
        SslPump? pump = SslPump.Current;
        try
        {
            pump?.Role.DropSession(session);
        }
        catch (Exception e)
        {
            pump?.CallbackFailed(e);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static void KeyLog(nint ssl, byte* line)
    {
        SslPump? pump = SslPump.Current;
        try
        {
            pump?.Role.WriteKeyLog(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(line));
        }
        catch (Exception e)
        {
            pump?.CallbackFailed(e);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static void Info(nint ssl, int where, int value)
    {
        SslPump? pump = SslPump.Current;
        try
        {
            pump?.OnInfo(where, value);
        }
        catch (Exception e)
        {
            pump?.CallbackFailed(e);
        }
    }

    /// <summary>
    /// .NET uses OpenSSL too, for example when a callback builds a certificate chain, and leaves errors in this thread's queue. SSL_get_error would take them for
    /// errors of the handshake.
    /// </summary>
    private static void ForgetForeignErrors() => LibSsl.ERR_clear_error();
}
