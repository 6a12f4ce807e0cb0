namespace MtaTls.Tls;

/// <summary>
/// What the connections of one endpoint share: a copy of its options, the native contexts of its certificates and its resumable sessions. Sessions
/// are never resumed on another context. Thread-safe. Disposing it leaves open connections alone.
/// </summary>
public sealed class TlsServerContext : IDisposable
{
    /// <summary>Makes a context.</summary>
    /// <param name="options">The options; copied.</param>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 is missing.</exception>
    /// <exception cref="ArgumentException">The options contradict themselves: no certificate, for example.</exception>
    public TlsServerContext(TlsServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        TlsEngine.ThrowIfUnsupported();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
