using System.Net;
using System.Net.Sockets;
using System.Text;
using MtaTls.Configuration;
using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Configuration;

/// <summary>Checks of options that the concentrator and the client share. Ranges are checked by the setting tables.</summary>
internal static class CommonValidation
{
    /// <summary>Checks a list of end points to listen on.</summary>
    public static void EndPoints(ErrorList errors, string key, IList<string> endPoints, string examples)
    {
        for (int i = 0; i < endPoints.Count; i++)
        {
            if (!IPEndPoint.TryParse(endPoints[i], out _) || !endPoints[i].Contains(':', StringComparison.Ordinal))
            {
                errors.Add($"{key}:{i}", $"'{endPoints[i]}' is not an end point such as {examples}.");
            }
        }
    }

    public static void Interface(ErrorList errors, string key, TunnelInterfaceOptions options, bool needsAddress = true)
    {
        if (options.Name.Length is 0 or > 15 || options.Name.AsSpan().ContainsAny("/ \t%"))
        {
            errors.Add($"{key}:Name", $"'{options.Name}' is not a valid name of a network device: it needs 1 to 15 characters without '/', '%', spaces and tabs.");
        }

        if (needsAddress && options.Kind == TunnelInterfaceKind.Tun && options.Addresses.Count == 0)
        {
            errors.Add($"{key}:Addresses", "A TUN device needs at least one address, such as 10.99.0.1/24.");
        }

        for (int i = 0; i < options.Addresses.Count; i++)
        {
            if (!Prefix(errors, $"{key}:Addresses:{i}", options.Addresses[i], out IPAddress address))
            {
                continue;
            }

            if (IpHeader.IsLinkScoped(IpHeader.ToUInt128(address)))
            {
                errors.Add($"{key}:Addresses:{i}", $"{address} cannot be an address in the tunnel: it is an unspecified, loopback, link-local, multicast or broadcast address.");
            }

            if (address.AddressFamily == AddressFamily.InterNetworkV6 && options.Mtu < 1280)
            {
                errors.Add($"{key}:Mtu", $"{options.Mtu} is too small for the IPv6 address {address}: IPv6 needs at least 1280 bytes.");
            }
        }

        Hook(errors, $"{key}:Up", options.Up, options.Kind);
        Hook(errors, $"{key}:Down", options.Down, options.Kind);
        for (int i = 0; i < options.Routes.Count; i++)
        {
            Prefix(errors, $"{key}:Routes:{i}", options.Routes[i], out _);
        }
    }

    private static void Hook(ErrorList errors, string key, IList<string> command, TunnelInterfaceKind kind)
    {
        if (command.Count == 0)
        {
            return;
        }

        if (kind != TunnelInterfaceKind.Tun)
        {
            errors.Add(key, "A hook runs only for a TUN device. Remove it, or set Kind to Tun.");
        }
        else if (!Path.IsPathFullyQualified(command[0]))
        {
            errors.Add($"{key}:0", $"'{command[0]}' is not the full path of a program.");
        }
        else if (!File.Exists(command[0]))
        {
            errors.Add($"{key}:0", $"The program '{command[0]}' was not found.");
        }
    }

    public static void Directory(ErrorList errors, string key, string? path)
    {
        if (!string.IsNullOrEmpty(path) && !System.IO.Directory.Exists(path))
        {
            errors.Add(key, $"The directory '{path}' was not found.");
        }
    }

    public static bool Prefix(ErrorList errors, string key, string value, out IPAddress address)
    {
        if (Prefixes.TryParse(value, out _, out address))
        {
            return true;
        }

        errors.Add(key, $"'{value}' is not an address with its prefix length such as 10.99.0.1/24 or fd99::1/64.");
        return false;
    }

    /// <summary>Checks a length. The error does not contain the text, which may be secret.</summary>
    public static void Utf8Length(ErrorList errors, string key, string? text, int least, int most)
    {
        int length = text is null ? 0 : Encoding.UTF8.GetByteCount(text);
        if (length < least || length > most)
        {
            errors.Add(key, $"The value has {length} bytes of UTF-8 and needs {least} to {most}.");
        }
    }
}
