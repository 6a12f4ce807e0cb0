using Microsoft.Extensions.Logging;

namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>Creates the packet interface that the options name.</summary>
internal static class PacketInterfaces
{
    public static IPacketInterface Create(TunnelInterfaceOptions options, ILogger logger)
    {
        if (options.Kind == TunnelInterfaceKind.InMemory)
        {
            return new InMemoryPacketInterface(options);
        }

        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("TUN devices, like QUIC tunnels, are supported only on Linux.");
        }

        return new TunInterface(options, logger);
    }
}
