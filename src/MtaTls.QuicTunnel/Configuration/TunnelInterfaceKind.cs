namespace MtaTls.QuicTunnel;

/// <summary>The kind of the interface that packets come from and go to.</summary>
public enum TunnelInterfaceKind
{
    /// <summary>A TUN device of the operating system (Linux).</summary>
    Tun,

    /// <summary>An <see cref="InMemoryPacketInterface"/>, for applications and tests that may not create a device.</summary>
    InMemory,
}
