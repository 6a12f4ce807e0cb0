using System.Runtime.InteropServices;

namespace MtaTls.Tls.OpenSsl;

/// <summary>Owns one reference to an SSL_SESSION.</summary>
internal sealed class SslSessionHandle : SafeHandle
{
    /// <param name="session">The session. The object takes over the reference.</param>
    public SslSessionHandle(nint session)
        : base(0, ownsHandle: true)
        => SetHandle(session);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        LibSsl.SSL_SESSION_free(handle);
        return true;
    }
}
