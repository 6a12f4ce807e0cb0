using System.Collections.Concurrent;
using System.Net;

namespace MtaTls.AspNetCore.Transport;

/// <summary>
/// The endpoints whose sessions may have their sockets to themselves. Another endpoint that is equal, of port 0, does not suffer: a connection that no session takes is Kestrel's.
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
            // "localhost" is bound for both families and shows one.
            _endPoints.TryAdd(new IPEndPoint(IPAddress.IPv6Loopback, ip.Port), true);
        }
    }

    public bool Contains(EndPoint endPoint) => _endPoints.ContainsKey(endPoint);
}
