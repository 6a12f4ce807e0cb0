using System.Diagnostics.CodeAnalysis;
using System.Net;
using MtaTls.Tool.Gateways;

namespace MtaTls.Tool.Forwarding;

/// <summary>A local port and the destination of its connections: <c>-L [bind:]port:host:port</c>. Without a destination the port is a proxy: <c>-D [bind:]port</c>.</summary>
internal sealed record ForwardSpec(IPEndPoint Local, HostAndPort? Destination)
{
    /// <summary>Parses <c>[bind:]port:host:port</c>, the format of ssh.</summary>
    public static bool TryParseLocal(string text, [NotNullWhen(true)] out ForwardSpec? spec)
    {
        spec = null;
        List<string> parts = Split(text);
        if (parts.Count is not (3 or 4) || !TryEndPoint(parts[..^2], out IPEndPoint? local))
        {
            return false;
        }

        if (!HostAndPort.TryParse($"{parts[^2]}:{parts[^1]}", null, out HostAndPort destination))
        {
            return false;
        }

        spec = new ForwardSpec(local, destination);
        return true;
    }

    /// <summary>Parses <c>[bind:]port</c>, the format of ssh.</summary>
    public static bool TryParseDynamic(string text, [NotNullWhen(true)] out ForwardSpec? spec)
    {
        List<string> parts = Split(text);
        spec = parts.Count is 1 or 2 && TryEndPoint(parts, out IPEndPoint? local) ? new ForwardSpec(local, null) : null;
        return spec is not null;
    }

    /// <summary>Parses the address and port. Without an address the port is open only to this machine.</summary>
    private static bool TryEndPoint(List<string> parts, [NotNullWhen(true)] out IPEndPoint? endPoint)
    {
        endPoint = null;
        IPAddress? address = IPAddress.Loopback;
        if (parts.Count == 2 && parts[0] is not ("localhost" or "*") && !IPAddress.TryParse(parts[0].Trim('[', ']'), out address))
        {
            return false;
        }

        if (parts.Count == 2 && parts[0] == "*")
        {
            address = IPAddress.IPv6Any;
        }

        if (HostAndPort.Port16(parts[^1]) is not { } port)
        {
            return false;
        }

        endPoint = new IPEndPoint(address, port);
        return true;
    }

    /// <summary>Splits at the colons outside brackets.</summary>
    private static List<string> Split(string text)
    {
        List<string> parts = [];
        int begin = 0;
        bool isBracketed = false;
        for (int i = 0; i < text.Length; i++)
        {
            isBracketed = text[i] switch { '[' => true, ']' => false, _ => isBracketed };
            if (text[i] == ':' && !isBracketed)
            {
                parts.Add(text[begin..i]);
                begin = i + 1;
            }
        }

        parts.Add(text[begin..]);
        return parts;
    }
}
