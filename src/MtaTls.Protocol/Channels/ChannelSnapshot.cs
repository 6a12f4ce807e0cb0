namespace MtaTls.Protocol;

/// <summary>The state of a channel at one moment.</summary>
/// <param name="Life">The channel's state.</param>
/// <param name="Received">Bytes of data received.</param>
/// <param name="Sent">Bytes of data sent.</param>
/// <param name="Unread">Bytes that have arrived and that the application has not consumed.</param>
/// <param name="Unsent">Bytes that the application has flushed and that are not sent.</param>
/// <param name="SendWindow">Bytes that the peer allows this end to send now.</param>
/// <param name="ReceiveWindow">Bytes that this end allows the peer to send now.</param>
/// <param name="IsStalled">Whether data waits for the peer to grant window.</param>
internal readonly record struct ChannelSnapshot(
    ChannelLifecycle Life, long Received, long Sent, long Unread, long Unsent, long SendWindow, long ReceiveWindow, bool IsStalled);
