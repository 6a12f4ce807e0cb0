using System.Diagnostics.CodeAnalysis;
using MtaTls.Agents;
using MtaTls.Tool.Gateways;

namespace MtaTls.Tool.Forwarding;

/// <summary>A local server that is published under a name at the gateway: <c>-R name:port=host:port</c>.</summary>
internal sealed record PublishSpec(AgentName Name, HostAndPort Upstream)
{
    /// <summary>Parses <c>name:port=host:port</c>, or <c>name:port=port</c> for a server on this machine.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out PublishSpec? spec)
    {
        string[] parts = text.Split('=', 2);
        spec = parts.Length == 2 && parts[0].Contains(':', StringComparison.Ordinal) && AgentProtocol.TryParseName(parts[0], out AgentName name) && TryParseUpstream(parts[1], out HostAndPort upstream)
            ? new PublishSpec(name, upstream)
            : null;
        return spec is not null;
    }

    /// <summary>Parses <c>host:port</c>, or <c>port</c> for a server on this machine.</summary>
    public static bool TryParseUpstream(string text, out HostAndPort upstream)
    {
        if (HostAndPort.Port16(text) is { } port and > 0)
        {
            upstream = new HostAndPort("127.0.0.1", port);
            return true;
        }

        return HostAndPort.TryParse(text, null, out upstream) && upstream.Port > 0;
    }

    /// <summary>The name with its port.</summary>
    public string FullName => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Name.Host}:{Name.Port}");
}
