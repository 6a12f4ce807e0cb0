namespace MtaTls.Client;

/// <summary>
/// The server speaks TLS but does not answer the <c>data_multiplexing</c> extension, and ordinary TLS cannot replace the channel: <see cref="MtaTlsClientOptions.Mode"/> is Required, or the channel's
/// destination is not that server.
/// </summary>
public sealed class MtaTlsNotNegotiatedException : IOException
{
    /// <summary>Creates the exception.</summary>
    public MtaTlsNotNegotiatedException() : this("The server did not negotiate the data_multiplexing extension.") { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">The error message.</param>
    public MtaTlsNotNegotiatedException(string message) : base(message) { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">The error message.</param>
    /// <param name="innerException">The cause.</param>
    public MtaTlsNotNegotiatedException(string message, Exception? innerException) : base(message, innerException) { }
}
