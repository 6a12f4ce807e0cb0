using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MtaTls.Tls.OpenSsl;

/// <summary>
/// A BIO_METHOD on the pipes of the connection whose SSL call runs on this thread. OpenSSL reads records from the transport's
/// buffers and writes records into them, without a memory BIO.
/// </summary>
internal static unsafe class PipeBio
{
    private static readonly nint s_method = MakeMethod();

    /// <summary>Creates a BIO. SSL_set_bio takes it over.</summary>
    public static nint Create()
    {
        nint bio = LibSsl.BIO_new(s_method);
        OpenSslErrors.ThrowIf(bio == 0, "BIO_new");
        LibSsl.BIO_set_init(bio, 1);
        return bio;
    }

    private static nint MakeMethod()
    {
        nint method = LibSsl.BIO_meth_new(LibSsl.BIO_get_new_index() | LibSsl.BioTypeSourceSink, "pipes");
        OpenSslErrors.ThrowIf(method == 0, "BIO_meth_new");
        _ = LibSsl.BIO_meth_set_read(method, &Read);
        _ = LibSsl.BIO_meth_set_write(method, &Write);
        _ = LibSsl.BIO_meth_set_ctrl(method, &Control);
        return method;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Read(nint bio, byte* buffer, int length)
    {
        LibSsl.BIO_clear_flags(bio, LibSsl.BioRetryAll);
        SslPump? pump = SslPump.Current;
        try
        {
            int count = pump?.ReadEncrypted(new Span<byte>(buffer, length)) ?? -1;
            if (count < 0 && pump is not null)
            {
                LibSsl.BIO_set_flags(bio, LibSsl.BioRetryRead);
            }

            return count;
        }
        catch (Exception e)
        {
            pump?.CallbackFailed(e);
            return -1;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Write(nint bio, byte* buffer, int length)
    {
        LibSsl.BIO_clear_flags(bio, LibSsl.BioRetryAll);
        SslPump? pump = SslPump.Current;
        try
        {
            // Without a pump, the finalizer is freeing the SSL: there is no connection to write to.
            pump?.WriteEncrypted(new ReadOnlySpan<byte>(buffer, length));
            return pump is null ? -1 : length;
        }
        catch (Exception e)
        {
            pump?.CallbackFailed(e);
            return -1;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint Control(nint bio, int command, nint number, nint pointer) => command == LibSsl.BioControlFlush ? 1 : 0;
}
