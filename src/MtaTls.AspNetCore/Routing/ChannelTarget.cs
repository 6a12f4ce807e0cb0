using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;

namespace MtaTls.AspNetCore.Routing;

/// <summary>A channel's destination as routes compare it, read once a channel.</summary>
internal sealed class ChannelTarget
{
    private static readonly IdnMapping s_idn = new();
    private static readonly ConditionalWeakTable<IMtaTlsChannelFeature, ChannelTarget> s_known = [];

    private ChannelTarget(IMtaTlsChannelFeature channel)
    {
        IsValid = ChannelHost.TryParse(channel.Destination.Host, out ChannelHost host);
        Host = host;
        Port = channel.Destination.Port;
    }

    public ChannelHost Host { get; }

    public int Port { get; }

    /// <summary>False for what the wire allows and no route can mean, such as "127.1". It matches nothing.</summary>
    public bool IsValid { get; }

    /// <summary>The destination of the channel that a request came on, or null where it came on none.</summary>
    public static ChannelTarget? Of(HttpContext context) => context.Features.Get<IMtaTlsChannelFeature>() is { } channel ? Of(channel) : null;

    public static ChannelTarget Of(IMtaTlsChannelFeature channel) => s_known.GetValue(channel, static c => new ChannelTarget(c));

    public bool Matches(DestinationPattern pattern) => IsValid && pattern.Matches(Host, Port);

    /// <summary>
    /// Compares the destination with what a request names. One without a port names the default port of http or of https: TLS is
    /// below the channel, so the destination of http://app1.internal is port 80 although the request is a secure one.
    /// </summary>
    /// <param name="authority">The Host header or :authority as it came, where international names are A-labels. <see cref="HttpRequest.Host"/> has them decoded, and throws where they can't be.</param>
    public HostMatch Compare(string? authority)
    {
        if (string.IsNullOrEmpty(authority))
        {
            return HostMatch.Other;
        }

        int colon = authority.LastIndexOf(':');
        bool hasPort = colon > authority.LastIndexOf(']');
        string host = hasPort ? authority[..colon] : authority;
        if (!HasValidLabels(host))
        {
            return HostMatch.Invalid;
        }

        if (!IsValid || !ChannelHost.TryParseUriHost(host, out ChannelHost named) || named != Host)
        {
            return HostMatch.Other;
        }

        bool isPort = hasPort ? PortRange.TryParsePort(authority.AsSpan(colon + 1), out int port) && port == Port : Port is 80 or 443;
        return isPort ? HostMatch.Destination : HostMatch.Other;
    }

    /// <summary>As a client writes it in a Host header.</summary>
    public string ToAuthority() => Port is 80 or 443 ? Host.ToUriHost() : $"{Host.ToUriHost()}:{Port}";

    public override string ToString() => $"{Host.ToUriHost()}:{Port}";

    private static bool HasValidLabels(string host)
    {
        if (!host.Contains("xn--", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        try
        {
            _ = s_idn.GetUnicode(host);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
