using MtaTls.Tls.OpenSsl;

namespace MtaTls.Tls;

/// <summary>
/// Tells whether the TLS engine can run here. It needs OpenSSL 3 (<c>libssl.so.3</c>), the library that .NET itself uses on Linux. Nothing
/// native is loaded before the first member of this class is read or the first context is made.
/// </summary>
public static class TlsEngine
{
    /// <summary>Whether OpenSSL 3 was found and is the same library that .NET uses. The first read loads it.</summary>
    public static bool IsSupported => NativeLibraries.Failure is null;

    /// <summary>OpenSSL's version, for example <c>3.0.19</c>; null where the engine is not supported.</summary>
    public static string? Version => NativeLibraries.Version;

    /// <summary>Does nothing where the engine is supported.</summary>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 is missing, too old or not the one that .NET uses; the message says what to install.</exception>
    public static void ThrowIfUnsupported()
    {
        if (NativeLibraries.Failure is { } failure)
        {
            throw new PlatformNotSupportedException(failure);
        }
    }
}
