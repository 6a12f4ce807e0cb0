using MtaTls.Protocol;

namespace MtaTls.AspNetCore;

/// <summary>
/// The channel that a request came on: a feature of <c>HttpContext.Features</c> and of a channel's <c>ConnectionContext.Features</c>. Absent on
/// connections that are not multiplexed.
/// </summary>
public interface IMtaTlsChannelFeature
{
    /// <summary>The channel's id, unique in its session among the channels that are open.</summary>
    ChannelId ChannelId { get; }

    /// <summary>Where the client says that the channel comes from (source_address_machine and source_port). This is a claim of the client and not verified.</summary>
    ChannelAddress ClaimedSource { get; }

    /// <summary>The host and port that the client asked for (destination_address_machine and destination_port).</summary>
    ChannelAddress Destination { get; }

    /// <summary>Bytes of data received on the channel.</summary>
    long BytesReceived { get; }

    /// <summary>Bytes of data sent on the channel.</summary>
    long BytesSent { get; }
}
