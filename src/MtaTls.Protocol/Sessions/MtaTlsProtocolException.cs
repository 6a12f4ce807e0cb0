namespace MtaTls.Protocol;

/// <summary>The peer broke a rule of the packet layer: its byte stream can't be trusted any more, and the session ends.</summary>
public sealed class MtaTlsProtocolException : MtaTlsSessionException
{
    /// <summary>Creates the exception.</summary>
    public MtaTlsProtocolException() : this("The peer broke a rule of the packet layer.") { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">The rule that was broken.</param>
    public MtaTlsProtocolException(string message) : base(message) => End = MtaTlsSessionEnd.ProtocolError;

    internal MtaTlsProtocolException(string message, MtaTlsSessionLimit limit) : base(message) => (End, Limit) = (MtaTlsSessionEnd.LimitExceeded, limit);

    /// <summary>Creates the exception.</summary>
    /// <param name="message">The rule that was broken.</param>
    /// <param name="innerException">Why.</param>
    public MtaTlsProtocolException(string message, Exception? innerException) : base(message, innerException) => End = MtaTlsSessionEnd.ProtocolError;
}
