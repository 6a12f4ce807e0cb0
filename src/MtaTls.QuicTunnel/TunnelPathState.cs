namespace MtaTls.QuicTunnel;

/// <summary>Whether a path works and is used.</summary>
public enum TunnelPathState
{
    /// <summary>The path works.</summary>
    Active,

    /// <summary>The peer does not answer on the path, or the operating system cannot send on it. It is used only if no other path works.</summary>
    Stalled,

    /// <summary>The client has reported that the access network is unavailable. The path is not used.</summary>
    Unavailable,
}
