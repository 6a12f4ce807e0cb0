using System.Runtime.InteropServices;

namespace MtaTls.Tls.OpenSsl;

/// <summary>Owns an SSL and its BIO.</summary>
internal sealed class SslHandle : SafeHandle
{
    public SslHandle(SslContextHandle context)
        : base(0, ownsHandle: true)
    {
        bool added = false;
        try
        {
            context.DangerousAddRef(ref added);
            SetHandle(LibSsl.SSL_new(context.DangerousGetHandle()));
        }
        finally
        {
            if (added)
            {
                context.DangerousRelease();
            }
        }

        OpenSslErrors.ThrowIf(IsInvalid, "SSL_new");
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        LibSsl.SSL_free(handle);
        return true;
    }
}
