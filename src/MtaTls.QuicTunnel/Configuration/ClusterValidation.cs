using System.Net;
using System.Net.Sockets;
using MtaTls.Configuration;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Cluster;

namespace MtaTls.QuicTunnel.Configuration;

/// <summary>Checks the section <c>QuicTunnel:Cluster</c>.</summary>
internal static class ClusterValidation
{
    public static void Check(ErrorList errors, string key, TunnelClusterOptions options)
    {
        if (!IsNode(options.NodeName))
        {
            if (options.IsSet || !string.IsNullOrEmpty(options.Node))
            {
                errors.Add($"{key}:Node", $"'{options.NodeName}' is not a name of at most 64 letters, digits, hyphens, underscores and dots.");
            }
        }
        else if (!string.IsNullOrEmpty(options.Node) && !options.IsSet)
        {
            errors.Add($"{key}:Secret", "A node of a cluster needs the secret that all nodes share.");
        }

        ClusterSecret.Load(options, key, errors)?.Dispose();
        PreferredAddresses(errors, $"{key}:PreferredAddresses", options.PreferredAddresses);
        RelayValidation.Check(errors, $"{key}:Relay", options);
    }

    private static void PreferredAddresses(ErrorList errors, string key, IList<string> addresses)
    {
        HashSet<AddressFamily> families = [];
        for (int i = 0; i < addresses.Count; i++)
        {
            if (!IPEndPoint.TryParse(addresses[i], out IPEndPoint? endPoint) || !PreferredAddressRules.Allows(endPoint, IPAddress.Loopback))
            {
                errors.Add($"{key}:{i}", $"'{addresses[i]}' is not an end point that clients can reach, such as 203.0.113.11:4433 or [2001:db8::11]:4433.");
            }
            else if (!families.Add(endPoint.AddressFamily))
            {
                errors.Add($"{key}:{i}", "There is an address of this family already.");
            }
        }
    }

    /// <summary>Whether a text can be the name of a node. Its characters have no special meaning in the keys of a directory.</summary>
    public static bool IsNode(string text) => text.Length is > 0 and <= 64 && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
