namespace MtaTls.AspNetCore;

/// <summary>The state of a channel, which tells what it waits for.</summary>
public enum MtaTlsChannelState
{
    /// <summary>The channel is open and waits for nothing.</summary>
    Open,

    /// <summary>The client has opened it and has sent no data yet, so the application has not got it.</summary>
    WaitsForFirstData,

    /// <summary>Data waits to be sent, but the peer does not read and has granted no window.</summary>
    WaitsForPeerToRead,

    /// <summary>Data has arrived that the application on this end has not read.</summary>
    WaitsForApplicationToRead,

    /// <summary>It is being closed.</summary>
    Closing,
}
