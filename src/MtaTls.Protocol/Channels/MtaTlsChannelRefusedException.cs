namespace MtaTls.Protocol;

/// <summary>A channel could not be opened: the peer answered ChannelRequestEchec (section 2.1.1), or a limit of this end forbids it. The session goes on.</summary>
public sealed class MtaTlsChannelRefusedException : IOException
{
    /// <summary>Creates the exception without an error text.</summary>
    public MtaTlsChannelRefusedException() : this("") { }

    /// <summary>Creates the exception.</summary>
    /// <param name="reason">The error text of the refusal.</param>
    public MtaTlsChannelRefusedException(string reason) : this(reason, null) { }

    /// <summary>Creates the exception.</summary>
    /// <param name="reason">The error text of the refusal.</param>
    /// <param name="innerException">The cause.</param>
    public MtaTlsChannelRefusedException(string reason, Exception? innerException)
        : base(reason.Length == 0 ? "The channel was refused." : "The channel was refused: " + reason, innerException) => Reason = reason;

    internal MtaTlsChannelRefusedException(string reason, bool isLocal) : this(reason, null) => IsLocal = isLocal;

    /// <summary>
    /// The error text of the refusal. Of a text from the peer, at most 256 characters are kept, and control characters are replaced by question marks. Do not trust a text from the peer: see <see cref="IsLocal"/>.
    /// </summary>
    public string Reason { get; }

    /// <summary>Whether a limit of this end refused the channel, not the peer.</summary>
    public bool IsLocal { get; }
}
