namespace MtaTls.QuicTunnel;

/// <summary>What packets come from and go to.</summary>
public enum TunnelInterfaceKind
{
    /// <summary>A TUN device of the operating system (Linux).</summary>
    Tun,

    /// <summary>An <see cref="InMemoryPacketInterface"/>, for applications and tests that have no right to make a device.</summary>
    InMemory,
}
