namespace MtaTls.Protocol;

/// <summary>A channel could not be opened: the peer answered ChannelRequestEchec, or a limit of this end forbids it. The session goes on.</summary>
public sealed class MtaTlsChannelRefusedException : IOException
{
    /// <summary>Creates the exception.</summary>
    public MtaTlsChannelRefusedException() : this("") { }

    /// <summary>Creates the exception.</summary>
    /// <param name="reason">The error text of the refusal.</param>
    public MtaTlsChannelRefusedException(string reason) : this(reason, null) { }

    /// <summary>Creates the exception.</summary>
    /// <param name="reason">The error text of the refusal.</param>
    /// <param name="innerException">Why.</param>
    public MtaTlsChannelRefusedException(string reason, Exception? innerException)
        : base(reason.Length == 0 ? "The channel was refused." : "The channel was refused: " + reason, innerException) => Reason = reason;

    internal MtaTlsChannelRefusedException(string reason, bool isLocal) : this(reason, null) => IsLocal = isLocal;

    /// <summary>The error text of the refusal, control characters replaced and at most 256 characters. It is the peer's: don't trust it, don't log it raw.</summary>
    public string Reason { get; }

    /// <summary>Whether a limit of this end, not the peer, refused the channel.</summary>
    public bool IsLocal { get; }
}
