namespace MtaTls.Protocol;

/// <summary>The peer's request to open a channel (section 2.1.1). Answer it once with <see cref="Accept"/> or <see cref="Refuse"/>, at once or later, for example after the destination was connected.</summary>
public sealed class MtaTlsChannelRequest
{
    private const int Pending = 0;
    private const int Answered = 1;
    private const int Withdrawn = 2;

    private int _state;

    internal MtaTlsChannelRequest(MtaTlsSession session, ushort senderChannelId, ChannelAddress source, ChannelAddress destination, SendWindow window)
    {
        Session = session;
        SenderChannelId = senderChannelId;
        Source = source;
        Destination = destination;
        Window = window;
    }

    /// <summary>The session that the request came on.</summary>
    internal MtaTlsSession Session { get; }

    /// <summary>The source address that the opener sent (source_address_machine and source_port). Nobody has verified it.</summary>
    public ChannelAddress Source { get; }

    /// <summary>The host and port that the opener asks for (destination_address_machine and destination_port).</summary>
    public ChannelAddress Destination { get; }

    /// <summary>sender_channel_id: the half of the channel's id that the opener chose. It is unique among the opener's pending requests.</summary>
    internal ushort SenderChannelId { get; }

    internal SendWindow Window { get; }

    /// <summary>Opens the channel: sends ChannelEstablishmentSuccess (packet 2).</summary>
    /// <returns>The channel, ready to read and write.</returns>
    /// <exception cref="InvalidOperationException">The request was answered before.</exception>
    /// <exception cref="MtaTlsSessionException">The session has ended.</exception>
    /// <exception cref="MtaTlsChannelRefusedException">A receive budget is used up, or the session has refused the request because it shuts down. The peer has got the refusal.</exception>
    public MtaTlsChannel Accept() =>
        TryAnswer() ? Session.Opens.Accept(this) : throw new MtaTlsChannelRefusedException("The session refused the request before it was accepted.", isLocal: true);

    /// <summary>Refuses the channel: sends ChannelRequestEchec (packet 3). Does nothing when the session has ended.</summary>
    /// <param name="reason">A short text for the peer. It must not reveal anything about the network behind this end. At most 65,530 bytes of UTF-8 are sent; the rest is cut.</param>
    /// <exception cref="ArgumentNullException"><paramref name="reason"/> is <see langword="null"/>.</exception>
    /// <exception cref="InvalidOperationException">The request was answered before.</exception>
    public void Refuse(string reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        if (TryAnswer())
        {
            Session.Opens.Refuse(this, reason);
        }
    }

    /// <summary>Takes the request away from the application. The caller then refuses it.</summary>
    /// <returns>Whether the application had not answered.</returns>
    internal bool TryWithdraw() => Interlocked.CompareExchange(ref _state, Withdrawn, Pending) == Pending;

    private bool TryAnswer() => Interlocked.CompareExchange(ref _state, Answered, Pending) switch
    {
        Pending => true,
        Withdrawn => false,
        _ => throw new InvalidOperationException("The request was answered before. A request can be accepted or refused once."),
    };
}
