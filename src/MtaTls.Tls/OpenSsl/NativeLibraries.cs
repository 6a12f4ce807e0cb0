using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace MtaTls.Tls.OpenSsl;

/// <summary>
/// Loads and initialises OpenSSL once, on first use. Where it is the very library that .NET has loaded, certificates and keys are handed over as native handles.
/// Elsewhere they are copied: certificates as DER, keys as PKCS#8.
/// </summary>
internal static class NativeLibraries
{
    private static readonly Lock s_gate = new();
    private static Loaded? s_loaded;
    private static string? s_path;

    /// <summary>The folder of the two libraries, or libssl's file; null: where the system looks. Set before the first use.</summary>
    /// <exception cref="InvalidOperationException">The libraries are loaded already, from elsewhere.</exception>
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
                    throw new InvalidOperationException($"OpenSSL is loaded already{(s_path is null ? "" : $", from '{s_path}'")}: a process has one, so its path must be set before the first use and be the same everywhere.");
                }

                s_path = value;
            }
        }
    }

    /// <summary>Why the engine can't run here; null when it can.</summary>
    public static string? Failure => Current.Failure;

    public static string? Version => Current.Version;

    /// <summary>Whether .NET uses the same library, so that handles of its objects can be used here.</summary>
    public static bool IsNetsOwn => Current.IsNetsOwn;

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
            // Must come before any other call: at process exit OpenSSL's own clean-up would free what other threads still use.
            if (LibSsl.OPENSSL_init_ssl(LibSsl.InitNoAtExit, 0) != 1)
            {
                return new Loaded("OpenSSL 3 could not be initialised; its configuration file (openssl.cnf) may be broken.", null, false);
            }

            ulong number = LibSsl.OpenSSL_version_num();
            string version = $"{number >> 28}.{(number >> 20) & 0xFF}.{(number >> 4) & 0xFF}";
            return number >> 28 == 3
                ? new Loaded(null, version, IsLibraryOfNet(crypto, number))
                : new Loaded($"MTA-TLS needs OpenSSL 3, and {(s_path is null ? "what was found" : $"what is at '{s_path}'")} is OpenSSL {version}.", version, false);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException or BadImageFormatException)
        {
            return new Loaded($"MTA-TLS needs OpenSSL 3, and {(s_path is null ? "what was found" : $"what is at '{s_path}'")} is not usable: {e.Message}", null, false);
        }
    }

    /// <summary>.NET uses OpenSSL on Linux and FreeBSD, the first of the system's unless it is told another. The system gives one library one handle.</summary>
    private static bool IsLibraryOfNet(nint crypto, ulong version)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsFreeBSD())
        {
            return false;
        }

        try
        {
            // What .NET has loaded last counts: asking for its version loads it.
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

    private sealed record Loaded(string? Failure, string? Version, bool IsNetsOwn);
}
