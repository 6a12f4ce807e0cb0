namespace MtaTls.Protocol;

/// <summary>The peer broke a rule of the packet layer, or sent more packets per second than a limit allows. Its byte stream cannot be trusted any more, so the session ends.</summary>
public sealed class MtaTlsProtocolException : MtaTlsSessionException
{
    /// <summary>Creates the exception with a general message.</summary>
    public MtaTlsProtocolException() : this("The peer broke a rule of the packet layer.") { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">The rule that was broken.</param>
    public MtaTlsProtocolException(string message) : base(message) => End = MtaTlsSessionEnd.ProtocolError;

    internal MtaTlsProtocolException(string message, MtaTlsSessionLimit limit) : base(message) => (End, Limit) = (MtaTlsSessionEnd.LimitExceeded, limit);

    /// <summary>Creates the exception.</summary>
    /// <param name="message">The rule that was broken.</param>
    /// <param name="innerException">The cause.</param>
    public MtaTlsProtocolException(string message, Exception? innerException) : base(message, innerException) => End = MtaTlsSessionEnd.ProtocolError;
}
