using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;

namespace MtaTls.AspNetCore.Routing;

/// <summary>A channel's destination in the form that routes compare. It is parsed once for each channel.</summary>
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

    /// <summary>False for a destination that a packet may carry but that is no valid host, such as "127.1". It matches no route.</summary>
    public bool IsValid { get; }

    /// <summary>Gets the destination of the channel of a request; null on an ordinary connection.</summary>
    public static ChannelTarget? Of(HttpContext context) => context.Features.Get<IMtaTlsChannelFeature>() is { } channel ? Of(channel) : null;

    public static ChannelTarget Of(IMtaTlsChannelFeature channel) => s_known.GetValue(channel, static c => new ChannelTarget(c));

    public bool Matches(DestinationPattern pattern) => IsValid && pattern.Matches(Host, Port);

    /// <summary>
    /// Compares the destination with the host that a request names. A host without a port matches ports 80 and 443. TLS is
    /// below the channel, so the destination of http://app1.internal is port 80 although the request is secure.
    /// </summary>
    /// <param name="authority">The Host header or :authority as received, in which international names are A-labels. <see cref="HttpRequest.Host"/> would decode them, and throw if they are invalid.</param>
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

    /// <summary>Formats the destination as a client writes it in a Host header.</summary>
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
