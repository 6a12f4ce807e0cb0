namespace MtaTls.Tls;

/// <summary>
/// What the connections to one server share: a copy of the options and the sessions that can be resumed. Make one for each endpoint: sessions
/// are never resumed on another context. Thread-safe. Disposing it leaves open connections alone.
/// </summary>
public sealed class TlsClientContext : IDisposable
{
    /// <summary>Makes a context.</summary>
    /// <param name="options">The options; copied.</param>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 is missing.</exception>
    /// <exception cref="ArgumentException">The options contradict themselves: required, yet not offered, for example.</exception>
    public TlsClientContext(TlsClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        TlsEngine.ThrowIfUnsupported();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
