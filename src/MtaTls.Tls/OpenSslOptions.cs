namespace MtaTls.Tls;

/// <summary>Where OpenSSL 3 is found. A process uses one OpenSSL, so these options apply to all its servers and clients.</summary>
public sealed class OpenSslOptions
{
    /// <summary>The folder with the two libraries of OpenSSL 3 (<c>libssl</c> and <c>libcrypto</c>), or the file of libssl with libcrypto beside it.</summary>
    /// <value>
    /// Default: null, to search where the system searches. If it is not the library that .NET uses, private keys are copied to it, so they must be exportable. The path must be set before OpenSSL is used
    /// for the first time; another path after that fails with an <see cref="InvalidOperationException"/>.
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
