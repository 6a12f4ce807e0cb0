namespace MtaTls.AspNetCore;

/// <summary>What a channel waits for.</summary>
public enum MtaTlsChannelState
{
    /// <summary>Nothing holds it up.</summary>
    Open,

    /// <summary>The client has opened it and has sent nothing yet: the application does not know of it.</summary>
    WaitsForFirstData,

    /// <summary>Data wait to be sent, and the peer has granted no window: it does not read.</summary>
    WaitsForPeerToRead,

    /// <summary>Data have arrived, and the application here has not read them.</summary>
    WaitsForApplicationToRead,

    /// <summary>It is being closed.</summary>
    Closing,
}
