using System.Net;
using System.Net.Sockets;
using MtaTls.AspNetCore.Routing;
using MtaTls.Configuration;

namespace MtaTls.AspNetCore.ProxyProtocol;

/// <summary>The load balancers of <see cref="MtaTlsProxyProtocolOptions.Networks"/>.</summary>
internal sealed class ProxyProtocolNetworks
{
    private const string Unix = "unix";

    private readonly List<IPNetwork> _networks = [];
    private bool _hasUnix;

    private ProxyProtocolNetworks()
    {
    }

    /// <summary>Reads the list and adds its errors to <paramref name="errors"/>.</summary>
    public static ProxyProtocolNetworks Read(MtaTlsProxyProtocolOptions options, string key, ErrorList errors)
    {
        ProxyProtocolNetworks read = new();
        for (int i = 0; i < options.Networks.Count; i++)
        {
            if (options.Networks[i] == Unix)
            {
                read._hasUnix = true;
            }
            else if (HostPattern.TryParseNetwork(options.Networks[i], out IPNetwork network))
            {
                read._networks.Add(network);
            }
            else
            {
                errors.Add($"{key}:{nameof(options.Networks)}:{i}", $"'{options.Networks[i]}' is neither an IP address, nor a network that begins at the address given, such as 10.0.0.0/8, nor '{Unix}'.");
            }
        }

        if (options.Endpoints.Count > 0 && options.Networks.Count == 0)
        {
            errors.Add($"{key}:{nameof(options.Networks)}", $"is empty, although {nameof(options.Endpoints)} names endpoints. Add the addresses of the load balancers.");
        }

        return read;
    }

    public bool Contains(EndPoint? peer)
    {
        if (peer is not IPEndPoint { Address: { } address })
        {
            return _hasUnix && peer is null or UnixDomainSocketEndPoint;
        }

        address = ChannelHost.Normalize(address);
        return _networks.Exists(network => network.Contains(address));
    }
}
