using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace MtaTls.Tls.OpenSsl;

/// <summary>
/// Loads and initialises OpenSSL once, on first use. Certificates and keys are handed over from .NET as native handles, so it must be the very
/// library that .NET has loaded.
/// </summary>
internal static class NativeLibraries
{
    private static readonly Lazy<(string? Failure, string? Version)> s_loaded = new(() => Load(LibSsl.Crypto, LibSsl.Ssl));

    /// <summary>Why the engine can't run here; null when it can.</summary>
    public static string? Failure => s_loaded.Value.Failure;

    public static string? Version => s_loaded.Value.Version;

    /// <summary>Loads the two libraries, under the names that <see cref="LibSsl"/> imports from.</summary>
    internal static (string? Failure, string? Version) Load(string crypto, string ssl)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsFreeBSD())
        {
            return ("MTA-TLS needs OpenSSL 3 as the TLS library of .NET itself, which it is on Linux and FreeBSD only.", null);
        }

        // Debian and Ubuntu: libssl3 (libssl3t64 from Ubuntu 24.04); Alpine: libssl3; Fedora and RHEL: openssl-libs.
        foreach (string library in (ReadOnlySpan<string>)[crypto, ssl])
        {
            if (!NativeLibrary.TryLoad(library, out _))
            {
                return ($"MTA-TLS needs OpenSSL 3, but {library} could not be loaded. Install the package libssl3 (Debian, Ubuntu, Alpine) or openssl-libs (Fedora, RHEL).", null);
            }
        }

        try
        {
            // Must come before any other call: at process exit OpenSSL's own clean-up would free what other threads still use.
            if (LibSsl.OPENSSL_init_ssl(LibSsl.InitNoAtExit, 0) != 1)
            {
                return ("OpenSSL 3 could not be initialised; its configuration file (openssl.cnf) may be broken.", null);
            }

            ulong ours = LibSsl.OpenSSL_version_num();
            long theirs = SafeEvpPKeyHandle.OpenSslVersion;
            string version = $"{ours >> 28}.{(ours >> 20) & 0xFF}.{(ours >> 4) & 0xFF}";
            return (ulong)theirs == ours
                ? (null, version)
                : ($"MTA-TLS found OpenSSL {version} (0x{ours:x}), but .NET has loaded another one (0x{theirs:x}); they must be the same. Is CLR_OPENSSL_VERSION_OVERRIDE set?", version);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException or TypeInitializationException or PlatformNotSupportedException)
        {
            return ($"MTA-TLS needs OpenSSL 3, and what was found as {LibSsl.Ssl} is not usable: {e.Message}", null);
        }
    }
}
