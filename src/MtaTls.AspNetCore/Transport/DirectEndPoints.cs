using System.Net;
using System.Runtime.CompilerServices;

namespace MtaTls.AspNetCore.Transport;

/// <summary>The endpoints whose sessions may have their sockets to themselves. By identity: two endpoints on port 0 are equal.</summary>
internal sealed class DirectEndPoints
{
    private readonly ConditionalWeakTable<EndPoint, object> _endPoints = [];

    /// <summary>Adds an endpoint that Kestrel is about to bind.</summary>
    public void Add(EndPoint endPoint)
    {
        if (endPoint is IPEndPoint)
        {
            _endPoints.AddOrUpdate(endPoint, this);
        }
    }

    public bool Contains(EndPoint endPoint) => _endPoints.TryGetValue(endPoint, out _);
}
