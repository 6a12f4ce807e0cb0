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
}
