namespace MtaTls.Protocol;

/// <summary>The session that a channel belongs to has ended or failed.</summary>
public class MtaTlsSessionException : IOException
{
    /// <summary>Creates the exception.</summary>
    public MtaTlsSessionException() : this("The session has ended.") { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened.</param>
    public MtaTlsSessionException(string message) : base(message) { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened.</param>
    /// <param name="innerException">Why.</param>
    public MtaTlsSessionException(string message, Exception? innerException) : base(message, innerException) { }

    internal MtaTlsSessionException(string message, MtaTlsSessionEnd end, MtaTlsSessionLimit? limit = null, Exception? innerException = null)
        : base(message, innerException) => (End, Limit) = (end, limit);

    /// <summary>How the session ended; <see langword="null"/> when it had not when this was thrown.</summary>
    public MtaTlsSessionEnd? End { get; private protected init; }

    /// <summary>The limit that the peer exceeded, where that ended the session.</summary>
    public MtaTlsSessionLimit? Limit { get; private protected init; }

    /// <summary>The same for another reader: one object thrown on many threads would mix their stack traces.</summary>
    internal MtaTlsSessionException Again() => new(Message, this) { End = End, Limit = Limit };
}
