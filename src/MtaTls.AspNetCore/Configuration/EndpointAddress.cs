using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MtaTls.AspNetCore.Configuration;

/// <summary>Listens on a URL of <c>MtaTls:Endpoints</c>, which means the same as in <c>Kestrel:Endpoints</c>.</summary>
internal static class EndpointAddress
{
    public static bool IsLocalhost(string host)
        => host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase);

    public static void Listen(KestrelServerOptions kestrel, string url, Action<ListenOptions> configure)
    {
        var address = BindingAddress.Parse(url);
        if (address.IsUnixPipe)
        {
            kestrel.ListenUnixSocket(address.UnixPipePath, configure);
        }
        else if (address.IsNamedPipe)
        {
            kestrel.ListenNamedPipe(address.NamedPipeName, configure);
        }
        else if (IsLocalhost(address.Host))
        {
            kestrel.ListenLocalhost(address.Port, configure);
        }
        else if (IPAddress.TryParse(address.Host, out IPAddress? ip))
        {
            kestrel.Listen(ip, address.Port, configure);
        }
        else
        {
            // As Kestrel does: a host name, * or + means all addresses.
            kestrel.ListenAnyIP(address.Port, configure);
        }
    }
}
