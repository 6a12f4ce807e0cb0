namespace MtaTls.Protocol;

/// <summary>The peer's request to open a channel (section 2.1.1), to be answered once: now or after the destination was connected.</summary>
public sealed class MtaTlsChannelRequest
{
    internal MtaTlsChannelRequest() { }

    /// <summary>The session that the request came on.</summary>
    public MtaTlsSession Session => throw new NotSupportedException();

    /// <summary>Where the opener says that the channel comes from. A claim, not a fact.</summary>
    public ChannelAddress Source => throw new NotSupportedException();

    /// <summary>The host and port that the opener asks for.</summary>
    public ChannelAddress Destination => throw new NotSupportedException();

    /// <summary>Opens the channel: sends ChannelEstablishmentSuccess.</summary>
    /// <returns>The channel, ready to read and write.</returns>
    /// <exception cref="InvalidOperationException">The request was answered before.</exception>
    /// <exception cref="MtaTlsSessionException">The session has ended.</exception>
    /// <exception cref="MtaTlsChannelRefusedException">A receive budget is used up; the peer has been told.</exception>
    public MtaTlsChannel Accept() => throw new NotSupportedException();

    /// <summary>Refuses the channel: sends ChannelRequestEchec. Does nothing when the session has ended.</summary>
    /// <param name="reason">A short text for the peer, who is a stranger: nothing about the network behind. At most 65,530 octets of UTF-8; the rest is cut.</param>
    /// <exception cref="InvalidOperationException">The request was answered before.</exception>
    public void Refuse(string reason) => throw new NotSupportedException();
}
