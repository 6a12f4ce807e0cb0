using System.Net;
using System.Net.Sockets;
using System.Text;
using MtaTls.Configuration;
using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Configuration;

/// <summary>Checks that the concentrator's and the client's options have in common, beyond ranges.</summary>
internal static class CommonValidation
{
    public static void Interface(ErrorList errors, string key, TunnelInterfaceOptions options, bool needsAddress = true)
    {
        if (options.Name.Length is 0 or > 15 || options.Name.AsSpan().ContainsAny("/ \t%"))
        {
            errors.Add($"{key}:Name", $"'{options.Name}' is no name for a network device: 1 to 15 characters without '/', '%' and blanks.");
        }

        if (needsAddress && options.Kind == TunnelInterfaceKind.Tun && options.Addresses.Count == 0)
        {
            errors.Add($"{key}:Addresses", "A TUN device needs at least one address.");
        }

        for (int i = 0; i < options.Addresses.Count; i++)
        {
            if (!Prefix(errors, $"{key}:Addresses:{i}", options.Addresses[i], out IPAddress address))
            {
                continue;
            }

            if (IpHeader.IsLinkScoped(IpHeader.ToUInt128(address)))
            {
                errors.Add($"{key}:Addresses:{i}", $"{address} cannot be a host's address in the tunnel.");
            }

            if (address.AddressFamily == AddressFamily.InterNetworkV6 && options.Mtu < 1280)
            {
                errors.Add($"{key}:Mtu", $"IPv6 ({address}) needs 1280.");
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
            errors.Add(key, "A hook runs for a TUN device only.");
        }
        else if (!Path.IsPathFullyQualified(command[0]))
        {
            errors.Add($"{key}:0", $"'{command[0]}' is no full path of a program.");
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

    /// <summary>Says nothing of the text itself, which may be secret.</summary>
    public static void Utf8Length(ErrorList errors, string key, string? text, int least, int most)
    {
        int length = text is null ? 0 : Encoding.UTF8.GetByteCount(text);
        if (length < least || length > most)
        {
            errors.Add(key, $"It has {length} bytes of UTF-8 and needs {least} to {most}.");
        }
    }
}
