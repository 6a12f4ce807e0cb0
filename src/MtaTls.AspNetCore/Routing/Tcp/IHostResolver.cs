using System.Net;

namespace MtaTls.AspNetCore.Routing;

/// <summary>The addresses of a name, at the time of asking.</summary>
internal interface IHostResolver
{
    Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken);
}
