using System.Net.Security;
using System.Security.Authentication;
using MtaTls.Tls.OpenSsl;

namespace MtaTls.Tls;

/// <summary>
/// Tells whether the TLS engine can run here. It needs OpenSSL 3, the library that .NET itself uses on Linux. Nothing native is
/// loaded before <see cref="IsSupported"/> or <see cref="Version"/> is read or the first context is made.
/// </summary>
public static class TlsEngine
{
    /// <summary>
    /// The folder with the two libraries of OpenSSL 3 (or the file of libssl, with libcrypto beside it). Null, the default: where the system looks. A process has one
    /// OpenSSL, so it is set before the first use. Where it is not the library that .NET uses, the private keys of certificates are copied to it, so they must be exportable.
    /// </summary>
    /// <exception cref="InvalidOperationException">Another OpenSSL is loaded already.</exception>
    internal static string? LibraryPath { get => NativeLibraries.Path; set => NativeLibraries.Path = value; }

    /// <summary>Whether OpenSSL 3 was found. The first read loads it.</summary>
    public static bool IsSupported => NativeLibraries.Failure is null;

    /// <summary>OpenSSL's version, for example <c>3.0.19</c>; null where the engine is not supported.</summary>
    public static string? Version => NativeLibraries.Version;

    /// <summary>
    /// The file that the environment variable <c>SSLKEYLOGFILE</c> names, where the AppContext switch <c>System.Net.EnableSslKeyLogging</c> is on: the
    /// condition under which SslStream logs keys too. Null otherwise. Reading it loads nothing native.
    /// </summary>
    internal static string? EnvironmentKeyLogFile
        => AppContext.TryGetSwitch("System.Net.EnableSslKeyLogging", out bool enabled) && enabled
            && Environment.GetEnvironmentVariable("SSLKEYLOGFILE") is { Length: > 0 } file ? file : null;

    /// <summary>Whether sessions are never resumed in this process: the switch of .NET's that turns resumption off for SslStream.</summary>
    internal static bool IsResumptionDisabled
        => AppContext.TryGetSwitch("System.Net.Security.DisableTlsResume", out bool disabled)
            ? disabled
            : Environment.GetEnvironmentVariable("DOTNET_SYSTEM_NET_SECURITY_DISABLETLSRESUME") is { } text && (text == "1" || text.Equals("true", StringComparison.OrdinalIgnoreCase));

    /// <summary>Why the machine's TLS policy (<c>system_default</c> in OpenSSL's configuration file) leaves the engine nothing to negotiate; null where it does not.</summary>
    /// <param name="enabled">The versions that the application asks for; <see cref="SslProtocols.None"/>: the machine's.</param>
    /// <param name="cipherSuites">The cipher suites that the application asks for; null: the machine's.</param>
    internal static string? FindPolicyObstacle(SslProtocols enabled, CipherSuitesPolicy? cipherSuites = null)
        => IsSupported ? MachinePolicy.Current.Choose(ProtocolVersions.Supported(enabled), cipherSuites).Obstacle : null;

    /// <summary>Does nothing where the engine is supported.</summary>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 is missing or not usable; the message says what to install.</exception>
    public static void ThrowIfUnsupported()
    {
        if (NativeLibraries.Failure is { } failure)
        {
            throw new PlatformNotSupportedException(failure);
        }
    }
}
