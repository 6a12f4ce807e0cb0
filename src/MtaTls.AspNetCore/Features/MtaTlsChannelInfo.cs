using MtaTls.Protocol;

namespace MtaTls.AspNetCore;

/// <summary>One channel of a session as it was when it was asked for.</summary>
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

    /// <summary>Whether the server opened the channel, as a gateway does to an agent.</summary>
    public bool IsOpenedByServer { get; }

    /// <summary>Where the opener says that the channel comes from. This is a claim of the client and not verified.</summary>
    public ChannelAddress ClaimedSource { get; }

    /// <summary>The host and port that the opener asked for.</summary>
    public ChannelAddress Destination { get; }

    /// <summary>When the channel was opened, in UTC; null where the server does not keep it: for channels that it opened itself.</summary>
    public DateTimeOffset? OpenedAt { get; }

    /// <summary>Bytes of data received on the channel.</summary>
    public long BytesReceived { get; }

    /// <summary>Bytes of data sent on the channel.</summary>
    public long BytesSent { get; }

    /// <summary>Bytes that have arrived and that the application has not consumed yet.</summary>
    public long UnreadBytes { get; }

    /// <summary>Bytes that the application has written and that are not sent yet.</summary>
    public long UnsentBytes { get; }

    /// <summary>Bytes that the peer allows to be sent to it now.</summary>
    public long SendWindow { get; }

    /// <summary>Bytes that the peer is allowed to send now.</summary>
    public long ReceiveWindow { get; }

    /// <summary>What the channel waits for.</summary>
    public MtaTlsChannelState State { get; }
}
