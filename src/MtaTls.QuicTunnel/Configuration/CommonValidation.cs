using System.Net;
using System.Net.Sockets;
using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Configuration;

/// <summary>What the concentrator's and the client's options have in common.</summary>
internal static class CommonValidation
{
    public static void Certificate(ErrorList errors, string key, TunnelCertificateOptions options)
    {
        if (options.GetGiven() is { } certificate)
        {
            if (!certificate.HasPrivateKey)
            {
                errors.Add(key, "the certificate has no private key.");
            }

            return;
        }

        if (!string.IsNullOrEmpty(options.Path))
        {
            errors.File($"{key}:Path", options.Path);
        }

        if (!string.IsNullOrEmpty(options.KeyPath))
        {
            errors.File($"{key}:KeyPath", options.KeyPath);
        }
    }

    public static void Reordering(ErrorList errors, TunnelReorderingOptions options)
    {
        errors.Range("Reordering:MaxDelay", options.MaxDelay, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(5));
        errors.Range("Reordering:MaxPackets", options.MaxPackets, 1, 16_384);
    }

    public static void Interface(ErrorList errors, TunnelInterfaceOptions options)
    {
        errors.Defined("Interface:Kind", options.Kind);
        errors.Range("Interface:Mtu", options.Mtu, 576, 65_535);
        errors.Range("Interface:Queues", options.Queues, 1, 16);
        errors.Range("Interface:QueueLength", options.QueueLength, 1, 65_536);
        if (options.Name.Length is 0 or > 15 || options.Name.AsSpan().ContainsAny("/ \t%"))
        {
            errors.Add("Interface:Name", $"'{options.Name}' is no name for a network device: 1 to 15 characters without '/', '%' and blanks.");
        }

        if (options.Kind == TunnelInterfaceKind.Tun && options.Addresses.Count == 0)
        {
            errors.Add("Interface:Addresses", "a TUN device needs at least one address.");
        }

        for (int i = 0; i < options.Addresses.Count; i++)
        {
            if (!errors.Prefix($"Interface:Addresses:{i}", options.Addresses[i], out _, out IPAddress? address))
            {
                continue;
            }

            if (IpHeader.IsLinkScoped(IpHeader.ToUInt128(address)))
            {
                errors.Add($"Interface:Addresses:{i}", $"{address} cannot be a host's address in the tunnel.");
            }

            if (address.AddressFamily == AddressFamily.InterNetworkV6 && options.Mtu < 1280)
            {
                errors.Add("Interface:Mtu", $"IPv6 ({address}) needs 1280.");
            }
        }

        for (int i = 0; i < options.Routes.Count; i++)
        {
            errors.Prefix($"Interface:Routes:{i}", options.Routes[i], out _, out _);
        }
    }
}
