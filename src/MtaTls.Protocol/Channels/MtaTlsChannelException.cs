namespace MtaTls.Protocol;

/// <summary>A channel was aborted by this end: by its application, or because the peer broke a rule of the channel. The session goes on.</summary>
public sealed class MtaTlsChannelException : IOException
{
    /// <summary>Creates the exception.</summary>
    public MtaTlsChannelException() : this("The channel was aborted.") { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened.</param>
    public MtaTlsChannelException(string message) : base(message) { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened.</param>
    /// <param name="innerException">Why.</param>
    public MtaTlsChannelException(string message, Exception? innerException) : base(message, innerException) { }
}
