using System.Net;
using MtaTls.AspNetCore.Connections;

namespace MtaTls.AspNetCore.Routing;

/// <summary>The addresses of a name, at the time of asking.</summary>
internal interface IHostResolver
{
    /// <param name="name">The name.</param>
    /// <param name="client">Who asks.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    Task<IPAddress[]> ResolveAsync(string name, ClientAddress client, CancellationToken cancellationToken);
}
