using System.Diagnostics.CodeAnalysis;

namespace MtaTls.AspNetCore.Routing;

/// <summary>A host pattern with an optional port: <c>app1.internal:80</c>, <c>*.internal</c>, <c>[::1]:80</c>, <c>10.0.0.0/8:5432</c>.</summary>
internal sealed class DestinationPattern
{
    private readonly HostPattern _host;
    private readonly int? _port;

    private DestinationPattern(HostPattern host, int? port)
    {
        _host = host;
        _port = port;
    }

    /// <summary>A higher value is more specific. The host counts first, then whether there is a port.</summary>
    public int Specificity => (_host.Specificity * 2) + (_port is null ? 0 : 1);

    public static bool TryParse(string? text, [NotNullWhen(true)] out DestinationPattern? pattern, [NotNullWhen(false)] out string? error)
    {
        pattern = null;
        error = null;
        if (string.IsNullOrEmpty(text))
        {
            error = "a destination is empty";
            return false;
        }

        string host = text;
        int? port = null;
        int colon = text.LastIndexOf(':');
        int bracket = text.LastIndexOf(']');
        // IPv6 without brackets has no port. Networks such as "fd00::/8" have no brackets, so they have no port either.
        if (colon > bracket && (bracket >= 0 || text.IndexOf(':', StringComparison.Ordinal) == colon))
        {
            if (!PortRange.TryParsePort(text.AsSpan(colon + 1), out int value))
            {
                error = $"'{text}' does not end in a port from 1 to 65535";
                return false;
            }

            port = value;
            host = text[..colon];
        }

        if (host is ['[', .. var inner, ']'])
        {
            host = inner;
        }

        if (!HostPattern.TryParse(host, out HostPattern? hostPattern, out error))
        {
            return false;
        }

        pattern = new DestinationPattern(hostPattern, port);
        return true;
    }

    public bool Matches(in ChannelHost host, int port) => (_port is null || _port == port) && _host.Matches(host);

    public override string ToString() => _port is { } port ? $"{_host}:{port}" : _host.ToString();
}
