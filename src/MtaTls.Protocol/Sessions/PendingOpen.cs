namespace MtaTls.Protocol;

/// <summary>An own open that waits for its answer. One that its caller cancelled stays pending until it is answered.</summary>
internal sealed class PendingOpen(ChannelAddress source, ChannelAddress destination, int firstWindow)
    : TaskCompletionSource<MtaTlsChannel>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public ChannelAddress Source => source;

    public ChannelAddress Destination => destination;

    /// <summary>The window that was offered to the peer and is reserved.</summary>
    public int FirstWindow => firstWindow;

    public ushort SenderChannelId { get; set; }

    public bool SharesHalf { get; set; }
}
