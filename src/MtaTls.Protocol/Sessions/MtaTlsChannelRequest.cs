namespace MtaTls.Protocol;

/// <summary>The peer's request to open a channel (section 2.1.1), to be answered once: now or after the destination was connected.</summary>
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

    /// <summary>Where the opener says that the channel comes from. A claim, not a fact.</summary>
    public ChannelAddress Source { get; }

    /// <summary>The host and port that the opener asks for.</summary>
    public ChannelAddress Destination { get; }

    /// <summary>sender_channel_id: the half of the channel's id that the opener has chosen. It tells the opener's pending requests apart.</summary>
    internal ushort SenderChannelId { get; }

    internal SendWindow Window { get; }

    /// <summary>Opens the channel: sends ChannelEstablishmentSuccess.</summary>
    /// <returns>The channel, ready to read and write.</returns>
    /// <exception cref="InvalidOperationException">The request was answered before.</exception>
    /// <exception cref="MtaTlsSessionException">The session has ended.</exception>
    /// <exception cref="MtaTlsChannelRefusedException">A receive budget is used up, or too many requests were pending; the peer has been told.</exception>
    public MtaTlsChannel Accept() =>
        TryAnswer() ? Session.Opens.Accept(this) : throw new MtaTlsChannelRefusedException(SessionOpens.TooManyPending, isLocal: true);

    /// <summary>Refuses the channel: sends ChannelRequestEchec. Does nothing when the session has ended.</summary>
    /// <param name="reason">A short text for the peer. It must not reveal anything about the network behind. At most 65,530 bytes of UTF-8; the rest is cut.</param>
    /// <exception cref="InvalidOperationException">The request was answered before.</exception>
    public void Refuse(string reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        if (TryAnswer())
        {
            Session.Opens.Refuse(this, reason);
        }
    }

    /// <summary>Answers in the application's place, if it has not answered.</summary>
    internal bool TryWithdraw() => Interlocked.CompareExchange(ref _state, Withdrawn, Pending) == Pending;

    private bool TryAnswer() => Interlocked.CompareExchange(ref _state, Answered, Pending) switch
    {
        Pending => true,
        Withdrawn => false,
        _ => throw new InvalidOperationException("The request was answered before."),
    };
}
