using System.Net;
using System.Net.NetworkInformation;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace MtaTls.AspNetCore.Routing;

/// <summary>Tells whether this server itself listens on an address and port. A channel that is connected there could loop, or reach an endpoint that is not for its client.</summary>
internal sealed class ServerAddresses(IServiceProvider services)
{
    public bool Contains(IPAddress address, int port)
    {
        // Not injected, because the server itself depends on services that use this class.
        if (services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>() is not { } feature)
        {
            return false;
        }

        foreach (string text in feature.Addresses)
        {
            if (!TryParse(text, out string? host, out int listenPort) || listenPort != port)
            {
                continue;
            }
            // A host that is no address ("localhost", "*", "+") counts as every address of this machine.
            if (!IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? listenAddress) || listenAddress.Equals(IPAddress.Any) || listenAddress.Equals(IPAddress.IPv6Any))
            {
                if (IsLocal(address))
                {
                    return true;
                }
            }
            else if (ChannelHost.Normalize(listenAddress).Equals(address))
            {
                return true;
            }
        }

        return false;
    }

    private static bool TryParse(string text, out string host, out int port)
    {
        host = "";
        port = 0;
        int start = text.IndexOf("://", StringComparison.Ordinal);
        string authority = start < 0 ? text : text[(start + 3)..];
        int end = authority.IndexOf('/', StringComparison.Ordinal);
        if (end >= 0)
        {
            authority = authority[..end];
        }

        int colon = authority.LastIndexOf(':');
        if (colon < 0 || !PortRange.TryParsePort(authority.AsSpan(colon + 1), out port))
        {
            return false;
        }

        host = authority[..colon];
        return true;
    }

    /// <summary>Whether the address is one of this machine. Slow, so it is called only if the port matches.</summary>
    private static bool IsLocal(IPAddress address)
    {
        if (IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
        {
            return true;
        }

        foreach (NetworkInterface card in NetworkInterface.GetAllNetworkInterfaces())
        {
            foreach (UnicastIPAddressInformation unicast in card.GetIPProperties().UnicastAddresses)
            {
                if (ChannelHost.Normalize(unicast.Address).Equals(address))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
