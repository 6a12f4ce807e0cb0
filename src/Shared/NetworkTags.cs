using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace MtaTls;

/// <summary>Sets the ends of a connection as attributes of OpenTelemetry's semantic conventions (network.*).</summary>
internal static class NetworkTags
{
    /// <summary>Adds both ends, the transport and the type of the network to an activity.</summary>
    public static void Add(Activity activity, EndPoint? local, EndPoint? peer)
    {
        AddEnd(activity, "network.local.address", "network.local.port", local);
        AddEnd(activity, "network.peer.address", "network.peer.port", peer);
        activity.SetTag("network.transport", Transport(local ?? peer));
        activity.SetTag("network.type", Type(local ?? peer));
    }

    /// <summary>Returns "tcp" or "unix"; null for other endpoints.</summary>
    public static string? Transport(EndPoint? end) => end switch
    {
        IPEndPoint => "tcp",
        UnixDomainSocketEndPoint => "unix",
        _ => null,
    };

    /// <summary>Returns "ipv4" or "ipv6"; null for endpoints without IP.</summary>
    public static string? Type(EndPoint? end) => end is not IPEndPoint { Address: { } address } ? null
        : address.AddressFamily == AddressFamily.InterNetwork || address.IsIPv4MappedToIPv6 ? "ipv4" : "ipv6";

    private static void AddEnd(Activity activity, string address, string port, EndPoint? end)
    {
        switch (end)
        {
            case IPEndPoint ip:
                activity.SetTag(address, (ip.Address.IsIPv4MappedToIPv6 ? ip.Address.MapToIPv4() : ip.Address).ToString());
                activity.SetTag(port, ip.Port);
                break;
            case not null:
                activity.SetTag(address, end.ToString());
                break;
        }
    }
}
