using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace MtaTls.Tls.OpenSsl;

/// <summary>
/// Loads and initializes OpenSSL once, on first use. When it is the library that .NET uses, certificates and keys are passed as native handles.
/// Otherwise they are copied: certificates as DER, keys as PKCS#8.
/// </summary>
internal static class NativeLibraries
{
    private static readonly Lock s_gate = new();
    private static Loaded? s_loaded;
    private static string? s_path;

    /// <summary>The folder of the two libraries, or the file of libssl; null to search where the system searches. Set it before the first use.</summary>
    /// <exception cref="InvalidOperationException">The libraries are loaded already, with another path.</exception>
    public static string? Path
    {
        get
        {
            lock (s_gate)
            {
                return s_path;
            }
        }

        set
        {
            lock (s_gate)
            {
                if (s_loaded is not null && s_path != value)
                {
                    throw new InvalidOperationException($"OpenSSL is loaded already{(s_path is null ? "" : $", from '{s_path}'")}. A process uses one OpenSSL: set MtaTls:OpenSsl:Path before the first use, and to the same value for servers and clients.");
                }

                s_path = value;
            }
        }
    }

    /// <summary>The reason why the engine cannot run here; null when it can.</summary>
    public static string? Failure => Current.Failure;

    public static string? Version => Current.Version;

    /// <summary>Whether .NET uses the same library, so that the native handles of .NET's objects can be used here.</summary>
    public static bool IsSharedWithDotNet => Current.IsSharedWithDotNet;

    private static Loaded Current
    {
        get
        {
            lock (s_gate)
            {
                return s_loaded ??= Load();
            }
        }
    }

    private static Loaded Load()
    {
        if (OpenSslLibraries.Load(s_path, out nint crypto, out nint ssl) is { } missing)
        {
            return new Loaded(missing, null, false);
        }

        NativeLibrary.SetDllImportResolver(Assembly.GetExecutingAssembly(), (name, _, _) => name == LibSsl.Ssl ? ssl : name == LibSsl.Crypto ? crypto : 0);
        try
        {
            // Must be the first call. Without it, OpenSSL would clean up at process exit and free memory that other threads still use.
            if (LibSsl.OPENSSL_init_ssl(LibSsl.InitNoAtExit, 0) != 1)
            {
                return new Loaded("OpenSSL 3 could not be initialized. Check its configuration file (openssl.cnf).", null, false);
            }

            ulong number = LibSsl.OpenSSL_version_num();
            string version = $"{number >> 28}.{(number >> 20) & 0xFF}.{(number >> 4) & 0xFF}";
            return number >> 28 == 3
                ? new Loaded(null, version, IsLibraryOfNet(crypto, number))
                : new Loaded($"MTA-TLS needs OpenSSL 3, but the library {(s_path is null ? "that was found" : $"at '{s_path}'")} is OpenSSL {version}. Install OpenSSL 3, or name its folder (MtaTls:OpenSsl:Path).", version, false);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException or BadImageFormatException)
        {
            return new Loaded($"MTA-TLS needs OpenSSL 3, but the library {(s_path is null ? "that was found" : $"at '{s_path}'")} cannot be used: {e.Message}", null, false);
        }
    }

    /// <summary>Checks whether .NET uses the library with this handle. .NET uses OpenSSL on Linux and FreeBSD: the system's first one, unless an environment variable selects another. The system has one handle for a library.</summary>
    private static bool IsLibraryOfNet(nint crypto, ulong version)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsFreeBSD())
        {
            return false;
        }

        try
        {
            // Reading OpenSslVersion makes .NET load its library.
            return (ulong)SafeEvpPKeyHandle.OpenSslVersion == version
                && Environment.GetEnvironmentVariable("CLR_OPENSSL_VERSION_OVERRIDE") is null or "" or "3"
                && NativeLibrary.TryLoad(OpenSslLibraries.CryptoNames[0], out nint systems)
                && systems == crypto;
        }
        catch (Exception e) when (e is PlatformNotSupportedException or TypeInitializationException or DllNotFoundException)
        {
            return false;
        }
    }

    private sealed record Loaded(string? Failure, string? Version, bool IsSharedWithDotNet);
}
