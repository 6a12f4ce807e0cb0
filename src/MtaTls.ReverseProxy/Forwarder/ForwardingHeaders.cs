using MtaTls.AspNetCore.Routing;
using MtaTls.Protocol;

namespace MtaTls.ReverseProxy.Forwarder;

/// <summary>Writes a claimed source in forwarding headers. The source is parsed first and written from the parsed host, so nothing in it can end a value or a header.</summary>
internal static class ForwardingHeaders
{
    public const string XForwardedFor = "X-Forwarded-For";
    public const string XForwardedHost = "X-Forwarded-Host";
    public const string XForwardedProto = "X-Forwarded-Proto";
    public const string Forwarded = "Forwarded";

    /// <summary>The identifier of RFC 7239, section 6.2, for an unknown node.</summary>
    private const string Unknown = "unknown";

    /// <summary>
    /// Whether backends trust the header as set by a proxy. There are more such headers than this proxy sends: backends read their path from X-Forwarded-Prefix and a proved certificate from
    /// X-Forwarded-Client-Cert.
    /// </summary>
    public static bool IsForwarding(string name) =>
        name.Equals(Forwarded, StringComparison.OrdinalIgnoreCase) || name.Equals("X-Real-IP", StringComparison.OrdinalIgnoreCase) || name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase);

    /// <summary>The source for X-Forwarded-For: the host without its port.</summary>
    public static string Node(ChannelAddress source) => ChannelHost.TryParse(source.Host, out ChannelHost host) ? host.ToString() : Unknown;

    /// <summary>The source for Forwarded (RFC 7239, section 6): quoted, with the port, IPv6 in brackets. That header allows no host names, so a name is written as an obfuscated identifier.</summary>
    public static string QuotedNode(ChannelAddress source)
    {
        if (!ChannelHost.TryParse(source.Host, out ChannelHost host))
        {
            return Unknown;
        }

        string node = host.Address is null ? "_" + host.Name : host.ToUriHost();
        return source.Port == 0 ? $"\"{node}\"" : $"\"{node}:{source.Port}\"";
    }
}
