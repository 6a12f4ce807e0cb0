using Microsoft.Extensions.Logging;

namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>Makes the interface that the options name.</summary>
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
            throw new PlatformNotSupportedException("TUN devices are supported on Linux only; Interface:Kind InMemory works everywhere.");
        }

        return new TunInterface(options, logger);
    }
}
