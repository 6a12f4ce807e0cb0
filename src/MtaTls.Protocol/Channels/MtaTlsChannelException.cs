namespace MtaTls.Protocol;

/// <summary>
/// This end aborted a channel: its application did, the peer broke a rule of the channel, or a timeout or budget of this end was exceeded. An open that the peer does not answer in time fails with it too. The session
/// goes on, unless it was the session's end that aborted the channel.
/// </summary>
public sealed class MtaTlsChannelException : IOException
{
    /// <summary>Creates the exception with the message "The channel was aborted."</summary>
    public MtaTlsChannelException() : this("The channel was aborted.") { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened.</param>
    public MtaTlsChannelException(string message) : base(message) { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened.</param>
    /// <param name="innerException">The cause.</param>
    public MtaTlsChannelException(string message, Exception? innerException) : base(message, innerException) { }
}
