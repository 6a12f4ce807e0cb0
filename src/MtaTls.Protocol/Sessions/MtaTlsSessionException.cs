namespace MtaTls.Protocol;

/// <summary>The session that a channel belongs to has ended or failed.</summary>
public class MtaTlsSessionException : IOException
{
    /// <summary>Creates the exception with the message "The session has ended."</summary>
    public MtaTlsSessionException() : this("The session has ended.") { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened.</param>
    public MtaTlsSessionException(string message) : base(message) { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened.</param>
    /// <param name="innerException">The cause.</param>
    public MtaTlsSessionException(string message, Exception? innerException) : base(message, innerException) { }

    internal MtaTlsSessionException(string message, MtaTlsSessionEnd end, MtaTlsSessionLimit? limit = null, Exception? innerException = null)
        : base(message, innerException) => (End, Limit) = (end, limit);

    /// <summary>How the session ended; <see langword="null"/> when it had not ended when the exception was thrown.</summary>
    public MtaTlsSessionEnd? End { get; private protected init; }

    /// <summary>The limit that the peer exceeded, when that ended the session; otherwise <see langword="null"/>.</summary>
    public MtaTlsSessionLimit? Limit { get; private protected init; }

    /// <summary>Creates the same exception for another reader: one object thrown on many threads would mix their stack traces.</summary>
    internal MtaTlsSessionException Copy() => new(Message, this) { End = End, Limit = Limit };
}
