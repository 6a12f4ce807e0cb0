using System.Net.Security;
using System.Security.Authentication;
using MtaTls.Tls.OpenSsl;

namespace MtaTls.Tls;

/// <summary>
/// Tells whether MTA-TLS can run on this machine. It needs OpenSSL 3, the library that .NET itself uses on Linux. The native libraries are
/// loaded when <see cref="IsSupported"/> or <see cref="Version"/> is read, or when a server or client is started.
/// </summary>
public static class TlsEngine
{
    /// <summary>
    /// The folder with the two libraries of OpenSSL 3 (or the file of libssl, with libcrypto beside it). Null, the default, means to search where the system searches. A process uses one
    /// OpenSSL, so set it before the first use. If it is not the library that .NET uses, the private keys of certificates are copied to it, so they must be exportable.
    /// </summary>
    /// <exception cref="InvalidOperationException">OpenSSL is loaded already, with another path.</exception>
    internal static string? LibraryPath { get => NativeLibraries.Path; set => NativeLibraries.Path = value; }

    /// <summary>Whether OpenSSL 3 was found and can be used. The first read loads it.</summary>
    public static bool IsSupported => NativeLibraries.Failure is null;

    /// <summary>OpenSSL's version, for example <c>3.0.19</c>; null when OpenSSL was not found or could not be used.</summary>
    public static string? Version => NativeLibraries.Version;

    /// <summary>
    /// The file that the environment variable <c>SSLKEYLOGFILE</c> names, when the AppContext switch <c>System.Net.EnableSslKeyLogging</c> is on. SslStream
    /// logs keys under the same condition. Null otherwise. Reading it loads no native library.
    /// </summary>
    internal static string? EnvironmentKeyLogFile
        => AppContext.TryGetSwitch("System.Net.EnableSslKeyLogging", out bool enabled) && enabled
            && Environment.GetEnvironmentVariable("SSLKEYLOGFILE") is { Length: > 0 } file ? file : null;

    /// <summary>Whether TLS sessions are never resumed in this process: .NET's switch that turns resumption off for SslStream.</summary>
    internal static bool IsResumptionDisabled
        => AppContext.TryGetSwitch("System.Net.Security.DisableTlsResume", out bool disabled)
            ? disabled
            : Environment.GetEnvironmentVariable("DOTNET_SYSTEM_NET_SECURITY_DISABLETLSRESUME") is { } text && (text == "1" || text.Equals("true", StringComparison.OrdinalIgnoreCase));

    /// <summary>Returns the reason why the machine's TLS policy (<c>system_default</c> in OpenSSL's configuration file) leaves nothing to negotiate; null when it allows something.</summary>
    /// <param name="enabled">The versions that the application sets; <see cref="SslProtocols.None"/> for the machine's.</param>
    /// <param name="cipherSuites">The cipher suites that the application sets; null for the machine's.</param>
    internal static string? FindPolicyObstacle(SslProtocols enabled, CipherSuitesPolicy? cipherSuites = null)
        => IsSupported ? MachinePolicy.Current.Choose(ProtocolVersions.Supported(enabled), cipherSuites).Obstacle : null;

    /// <summary>Throws an exception when MTA-TLS cannot run on this machine.</summary>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 is missing or cannot be used. The message tells what to install.</exception>
    public static void ThrowIfUnsupported()
    {
        if (NativeLibraries.Failure is { } failure)
        {
            throw new PlatformNotSupportedException(failure);
        }
    }
}
