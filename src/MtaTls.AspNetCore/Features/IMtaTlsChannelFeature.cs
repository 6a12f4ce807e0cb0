using MtaTls.Protocol;

namespace MtaTls.AspNetCore;

/// <summary>
/// The channel of a request: a feature of <c>HttpContext.Features</c> and of a channel's <c>ConnectionContext.Features</c>. Absent on
/// ordinary connections.
/// </summary>
public interface IMtaTlsChannelFeature
{
    /// <summary>The channel's id, unique in its session among the channels that are open.</summary>
    ChannelId ChannelId { get; }

    /// <summary>The source that the client names (source_address_machine and source_port; draft-badra-tls-multiplexing-01, section 2.1.1). It is a claim of the client and not verified.</summary>
    ChannelAddress ClaimedSource { get; }

    /// <summary>The host and port that the client asks for (destination_address_machine and destination_port; section 2.1.1).</summary>
    ChannelAddress Destination { get; }

    /// <summary>Bytes of data received on the channel, without packet headers.</summary>
    long BytesReceived { get; }

    /// <summary>Bytes of data sent on the channel, without packet headers.</summary>
    long BytesSent { get; }
}
