using System.Runtime.InteropServices;

namespace MtaTls.Tls.OpenSsl;

/// <summary>Finds and loads OpenSSL 3: from a folder that the application sets, or where the system searches.</summary>
internal static class OpenSslLibraries
{
    /// <summary>The file names of libcrypto on this system, the usual one first.</summary>
    public static IReadOnlyList<string> CryptoNames { get; } = Names("crypto");

    /// <summary>The file names of libssl on this system, the usual one first.</summary>
    public static IReadOnlyList<string> SslNames { get; } = Names("ssl");

    /// <summary>Loads both libraries. libcrypto is first, so that libssl uses this one.</summary>
    /// <param name="path">A folder with both, or the file of libssl; null to search where the system searches.</param>
    /// <param name="crypto">The handle of libcrypto.</param>
    /// <param name="ssl">The handle of libssl.</param>
    /// <returns>The reason why they cannot be loaded; null when they are loaded.</returns>
    public static string? Load(string? path, out nint crypto, out nint ssl)
    {
        ssl = 0;
        if (path is null)
        {
            return !TryLoad(null, CryptoNames, out crypto) ? Missing(CryptoNames)
                : !TryLoad(null, SslNames, out ssl) ? Missing(SslNames)
                : null;
        }

        bool isFile = File.Exists(path);
        string folder = isFile ? Path.GetDirectoryName(Path.GetFullPath(path))! : path;
        return !TryLoad(folder, isFile ? [Path.GetFileName(path).Replace("ssl", "crypto", StringComparison.Ordinal), .. CryptoNames] : CryptoNames, out crypto) ? MissingIn(path, CryptoNames)
            : !TryLoad(folder, isFile ? [Path.GetFileName(path)] : SslNames, out ssl) ? MissingIn(path, SslNames)
            : null;
    }

    private static bool TryLoad(string? folder, IReadOnlyList<string> names, out nint library)
    {
        foreach (string name in names)
        {
            if (folder is null ? NativeLibrary.TryLoad(name, out library) : NativeLibrary.TryLoad(Path.Combine(folder, name), out library))
            {
                return true;
            }

            // Homebrew installs into folders that macOS does not search.
            if (folder is null && OperatingSystem.IsMacOS()
                && (NativeLibrary.TryLoad($"/opt/homebrew/opt/openssl@3/lib/{name}", out library) || NativeLibrary.TryLoad($"/usr/local/opt/openssl@3/lib/{name}", out library)))
            {
                return true;
            }
        }

        library = 0;
        return false;
    }

    private static string[] Names(string part)
    {
        string architecture = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => "-x64",
            Architecture.Arm64 => "-arm64",
            _ => "",
        };
        return OperatingSystem.IsWindows() ? [$"lib{part}-3{architecture}.dll", $"lib{part}-3.dll"]
            : OperatingSystem.IsMacOS() ? [$"lib{part}.3.dylib"]
            : OperatingSystem.IsFreeBSD() ? [$"lib{part}.so.3", $"lib{part}.so.30", $"lib{part}.so.35"]
            : [$"lib{part}.so.3"];
    }

    private static string Missing(IReadOnlyList<string> names)
    {
        string advice = OperatingSystem.IsWindows() ? "Put both libraries into the application's folder, or set their folder"
            : OperatingSystem.IsMacOS() ? "Install it with 'brew install openssl@3', or set the folder of the libraries"
            : "Install the package libssl3 (Debian, Ubuntu, Alpine) or openssl-libs (Fedora, RHEL), or set the folder of the libraries";
        return $"MTA-TLS needs OpenSSL 3, but {names[0]} could not be loaded. {advice} (MtaTls:OpenSsl:Path).";
    }

    private static string MissingIn(string path, IReadOnlyList<string> names) => $"MTA-TLS needs OpenSSL 3, but {string.Join(" or ", names)} could not be loaded from '{path}' (MtaTls:OpenSsl:Path).";
}
