using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using MtaTls.AspNetCore.Configuration;

namespace MtaTls.AspNetCore.Routing;

/// <summary>The present routes, in order. Immutable: a reload of the configuration creates a new table.</summary>
internal sealed class ChannelRouteTable
{
    private const string Section = $"{MtaTlsSettings.SectionName}:{nameof(MtaTlsOptions.Channels)}";

    public static readonly ChannelRouteTable Empty = new([]);

    private readonly IReadOnlyList<ChannelRoute> _routes;

    private ChannelRouteTable(IReadOnlyList<ChannelRoute> routes) => _routes = routes;

    public int Count => _routes.Count;

    public IReadOnlyList<ChannelRoute> Routes => _routes;

    /// <summary>Reads all routes. Each error that is added begins with its configuration key.</summary>
    public static ChannelRouteTable Create(IEnumerable<ChannelRouteOptions> options, List<string> errors)
    {
        var routes = new List<ChannelRoute>();
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (ChannelRouteOptions route in options)
        {
            string index = routes.Count.ToString(CultureInfo.InvariantCulture);
            string key = route.ConfigurationKey ?? $"{Section}:{index}";
            var read = new ChannelRoute(route, key, index, errors);
            if (!names.Add(read.Name))
            {
                errors.Add($"{key}:Name: '{read.Name}' is the name of an earlier route.");
            }

            routes.Add(read);
        }

        return routes.Count == 0 ? Empty : new ChannelRouteTable(routes);
    }

    /// <summary>The first route that matches, or null.</summary>
    public ChannelRoute? Find(in ChannelHost host, int port, string? endpoint, X509Certificate2? clientCertificate)
    {
        foreach (ChannelRoute route in _routes)
        {
            if (route.Matches(host, port, endpoint, clientCertificate))
            {
                return route;
            }
        }

        return null;
    }
}
