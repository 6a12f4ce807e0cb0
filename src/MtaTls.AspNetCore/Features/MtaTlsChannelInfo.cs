using MtaTls.Protocol;

namespace MtaTls.AspNetCore;

/// <summary>A snapshot of one channel of a session.</summary>
public sealed class MtaTlsChannelInfo
{
    internal MtaTlsChannelInfo(MtaTlsChannel channel, in ChannelSnapshot now, DateTimeOffset? openedAt, bool isServed)
    {
        ChannelId = channel.Id;
        IsOpenedByServer = channel.IsOwn;
        ClaimedSource = channel.Source;
        Destination = channel.Destination;
        OpenedAt = openedAt;
        BytesReceived = now.Received;
        BytesSent = now.Sent;
        UnreadBytes = now.Unread;
        UnsentBytes = now.Unsent;
        SendWindow = now.SendWindow;
        ReceiveWindow = now.ReceiveWindow;
        State = now switch
        {
            { Life: not ChannelLifecycle.Open } => MtaTlsChannelState.Closing,
            { IsStalled: true } => MtaTlsChannelState.WaitsForPeerToRead,
            { Unread: > 0 } => MtaTlsChannelState.WaitsForApplicationToRead,
            _ when !isServed && now.Received == 0 && !channel.IsOwn => MtaTlsChannelState.WaitsForFirstData,
            _ => MtaTlsChannelState.Open,
        };
    }

    /// <summary>The channel's id, unique in its session among the channels that are open.</summary>
    public ChannelId ChannelId { get; }

    /// <summary>Whether the server opened the channel, as a gateway opens channels to an agent.</summary>
    public bool IsOpenedByServer { get; }

    /// <summary>The source that the end that opened the channel has named. From a client it is a claim and not verified.</summary>
    public ChannelAddress ClaimedSource { get; }

    /// <summary>The host and port that the end that opened the channel has asked for.</summary>
    public ChannelAddress Destination { get; }

    /// <summary>When the channel was opened, in UTC; null for channels that the server opened itself and for channels that are closing, because the server does not keep it.</summary>
    public DateTimeOffset? OpenedAt { get; }

    /// <summary>Bytes of data received on the channel, without packet headers.</summary>
    public long BytesReceived { get; }

    /// <summary>Bytes of data sent on the channel, without packet headers.</summary>
    public long BytesSent { get; }

    /// <summary>Bytes that have arrived and that the application has not yet consumed.</summary>
    public long UnreadBytes { get; }

    /// <summary>Bytes that the application has written and that are not yet sent.</summary>
    public long UnsentBytes { get; }

    /// <summary>Bytes that this end may send now (the peer's window).</summary>
    public long SendWindow { get; }

    /// <summary>Bytes that the peer may send now (this end's window).</summary>
    public long ReceiveWindow { get; }

    /// <summary>The channel's state, which tells what it waits for.</summary>
    public MtaTlsChannelState State { get; }
}
