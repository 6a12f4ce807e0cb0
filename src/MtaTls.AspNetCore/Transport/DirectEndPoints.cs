using System.Collections.Concurrent;
using System.Net;

namespace MtaTls.AspNetCore.Transport;

/// <summary>
/// The endpoints whose sessions may read and write their sockets directly. If another endpoint is equal (port 0), it works as before: Kestrel serves connections that no session takes.
/// </summary>
internal sealed class DirectEndPoints
{
    private readonly ConcurrentDictionary<EndPoint, bool> _endPoints = [];

    /// <summary>Adds an endpoint that Kestrel is about to bind.</summary>
    public void Add(EndPoint endPoint)
    {
        if (endPoint is not IPEndPoint ip)
        {
            return;
        }

        _endPoints.TryAdd(ip, true);
        if (ip.Address.Equals(IPAddress.Loopback))
        {
            // Kestrel binds "localhost" for IPv4 and IPv6, but shows only the IPv4 endpoint here.
            _endPoints.TryAdd(new IPEndPoint(IPAddress.IPv6Loopback, ip.Port), true);
        }
    }

    public bool Contains(EndPoint endPoint) => _endPoints.ContainsKey(endPoint);
}
