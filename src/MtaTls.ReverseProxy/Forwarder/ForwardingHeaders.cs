using MtaTls.AspNetCore.Routing;
using MtaTls.Protocol;

namespace MtaTls.ReverseProxy.Forwarder;

/// <summary>How a claimed source is written in forwarding headers. It is a host by our own reading, never the bytes that came: nothing in it can end a value or a header.</summary>
internal static class ForwardingHeaders
{
    public const string XForwardedFor = "X-Forwarded-For";
    public const string XForwardedHost = "X-Forwarded-Host";
    public const string XForwardedProto = "X-Forwarded-Proto";
    public const string Forwarded = "Forwarded";

    /// <summary>What RFC 7239, section 6.2, has for a node of which nothing is known.</summary>
    private const string Unknown = "unknown";

    /// <summary>
    /// Whether a header says something that a proxy alone can know, of which there are more than a proxy sends: a backend takes X-Forwarded-Prefix for its path, X-Forwarded-Client-Cert for a
    /// certificate that was proved.
    /// </summary>
    public static bool IsForwarding(string name) =>
        name.Equals(Forwarded, StringComparison.OrdinalIgnoreCase) || name.Equals("X-Real-IP", StringComparison.OrdinalIgnoreCase) || name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase);

    /// <summary>For X-Forwarded-For: the address alone.</summary>
    public static string Node(ChannelAddress source) => ChannelHost.TryParse(source.Host, out ChannelHost host) ? host.ToString() : Unknown;

    /// <summary>For Forwarded (RFC 7239, section 6): quoted, with IPv6 in brackets and the port. A name is no node there, so it is written as an obfuscated one.</summary>
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
