namespace MtaTls.Tls;

/// <summary>Where OpenSSL 3 is found. A process has one, so what is set here counts for servers and clients.</summary>
public sealed class OpenSslOptions
{
    /// <summary>The folder with the two libraries of OpenSSL 3 (<c>libssl</c> and <c>libcrypto</c>), or the file of libssl with libcrypto beside it.</summary>
    /// <value>
    /// Default: null, where the system looks. Where it is not the library that .NET uses, private keys are copied to it, so they must be exportable. See <see cref="TlsEngine.LibraryPath"/>.
    /// </value>
    public string? Path { get; set; }

    internal void Apply()
    {
        if (Path is { } path)
        {
            TlsEngine.LibraryPath = path;
        }
    }
}
