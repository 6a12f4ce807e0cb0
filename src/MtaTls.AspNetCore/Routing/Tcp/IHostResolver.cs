using System.Net;
using MtaTls.AspNetCore.Connections;

namespace MtaTls.AspNetCore.Routing;

/// <summary>Resolves host names.</summary>
internal interface IHostResolver
{
    /// <summary>Returns the present addresses of a name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="client">The client address whose limit the lookup counts against.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    Task<IPAddress[]> ResolveAsync(string name, ClientAddress client, CancellationToken cancellationToken);
}
