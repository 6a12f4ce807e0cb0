namespace MtaTls.Client;

/// <summary>The server speaks TLS but not the <c>data_multiplexing</c> extension, and the channel's destination is not that server, so that ordinary TLS can't stand in.</summary>
public sealed class MtaTlsNotNegotiatedException : IOException
{
    /// <summary>Creates the exception.</summary>
    public MtaTlsNotNegotiatedException() : this("The server did not negotiate the data_multiplexing extension.") { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened.</param>
    public MtaTlsNotNegotiatedException(string message) : base(message) { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened.</param>
    /// <param name="innerException">Why.</param>
    public MtaTlsNotNegotiatedException(string message, Exception? innerException) : base(message, innerException) { }
}
