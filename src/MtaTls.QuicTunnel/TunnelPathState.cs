namespace MtaTls.QuicTunnel;

/// <summary>Whether a path is used.</summary>
public enum TunnelPathState
{
    /// <summary>It works.</summary>
    Active,

    /// <summary>The peer does not answer on it, or the operating system does not send on it: used only while there is no other.</summary>
    Stalled,

    /// <summary>The client reported its access network unavailable: not used.</summary>
    Unavailable,
}
