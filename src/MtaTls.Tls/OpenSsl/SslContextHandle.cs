using System.Runtime.InteropServices;

namespace MtaTls.Tls.OpenSsl;

/// <summary>Owns an SSL_CTX. Every SSL that is created from it holds its own reference.</summary>
internal sealed class SslContextHandle : SafeHandle
{
    public SslContextHandle(bool server)
        : base(0, ownsHandle: true)
    {
        SetHandle(LibSsl.SSL_CTX_new(server ? LibSsl.TLS_server_method() : LibSsl.TLS_client_method()));
        OpenSslErrors.ThrowIf(IsInvalid, "SSL_CTX_new");
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        LibSsl.SSL_CTX_free(handle);
        return true;
    }
}
