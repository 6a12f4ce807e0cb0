using System.Globalization;
using System.Net;
using MtaTls.Protocol;

namespace MtaTls.Tool.Gateways;

/// <summary>A host and a port, written <c>host:port</c> or <c>[IPv6 address]:port</c>.</summary>
internal readonly record struct HostAndPort(string Host, int Port)
{
    /// <summary>Parses a host and a port.</summary>
    /// <param name="text">The text.</param>
    /// <param name="defaultPort">The port of a text without one; null: the text must have a port.</param>
    /// <param name="value">The host and port.</param>
    public static bool TryParse(string text, int? defaultPort, out HostAndPort value)
    {
        value = default;
        bool isBracketed = text.StartsWith('[');
        int end = isBracketed ? text.IndexOf(']', StringComparison.Ordinal) + 1 : text.LastIndexOf(':');
        if (isBracketed && end == 0)
        {
            return false;
        }

        end = end < 0 ? text.Length : end;
        int? port = end == text.Length ? defaultPort : text[end] == ':' ? Port16(text.AsSpan(end + 1)) : null;
        string host = isBracketed ? text[1..(end - 1)] : text[..end];
        bool isValid = isBracketed
            ? IPAddress.TryParse(host, out _) && host.Contains(':', StringComparison.Ordinal)
            : !host.Contains(':', StringComparison.Ordinal) && ChannelAddress.IsValidHost(host);
        if (port is null || !isValid)
        {
            return false;
        }

        value = new HostAndPort(host, port.Value);
        return true;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{Port}");

    public ChannelAddress ToChannelAddress() => new(Host, Port);

    internal static int? Port16(ReadOnlySpan<char> text) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) ? port : null;
}
