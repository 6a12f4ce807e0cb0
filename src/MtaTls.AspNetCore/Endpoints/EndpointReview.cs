using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Configuration;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Routing;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Endpoints;

/// <summary>
/// Checks the server once it has started: whether any endpoint uses HTTPS, and whether each channel route, PROXY protocol endpoint and identity limit can apply. A rule that can
/// never apply causes a warning. Routes and identity limits are checked again when they change.
/// </summary>
internal sealed class EndpointReview(KestrelOptionsAccessor kestrel, IServiceProvider services, IServer host, ILoggerFactory loggers) : IHostedLifecycleService
{
    private readonly ILogger _endpoints = loggers.CreateLogger(LogCategories.Endpoints);
    private readonly ILogger _routing = loggers.CreateLogger(LogCategories.Routing);

    // The warnings of the last review, so that a reload for another reason does not repeat them. Not locked: reviews do not overlap.
    private HashSet<(string Route, string Subject)> _reported = [];

    /// <exception cref="InvalidOperationException">MTA-TLS is required, and no endpoint speaks it.</exception>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        // Under a server other than Kestrel there is nothing to check, and nothing may read the options.
        if (kestrel.Options is not null)
        {
            MtaTlsServer server = services.GetRequiredService<MtaTlsServer>();
            ReviewEndpoints(server);
            ReviewProxyProtocol(server);
            CurrentSettings settings = services.GetRequiredService<CurrentSettings>();
            ReviewRoutes(server, settings.Current, []);

            // Kestrel may bind new endpoints of the same change later, so the configured names count as well.
            settings.Changed += () => ReviewRoutes(server, settings.Current, kestrel.Options?.ConfigurationLoader?.Configuration.GetSection("Endpoints").GetChildren().Select(static e => e.Key) ?? []);
        }

        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void ReviewEndpoints(MtaTlsServer server)
    {
        DataMultiplexingMode mode = server.Options.EndpointDefaults.Mode;
        // An HTTPS endpoint that cannot speak MTA-TLS has its own warning already.
        if (server.HasHttps || !KestrelInternals.AreAvailable || mode == DataMultiplexingMode.Disabled)
        {
            return;
        }

        string addresses = string.Join(", ", host.Features.Get<IServerAddressesFeature>()?.Addresses ?? []);
        if (mode == DataMultiplexingMode.Required)
        {
            throw new InvalidOperationException($"MTA-TLS is required (MtaTls:EndpointDefaults:Mode), but no endpoint uses HTTPS ({addresses}). {Log.HttpsAdvice}");
        }

        _endpoints.NoHttps(addresses, Log.HttpsAdvice);
    }

    private void ReviewProxyProtocol(MtaTlsServer server)
    {
        HashSet<string> names = new(server.HttpsEndpointNames, StringComparer.OrdinalIgnoreCase);
        foreach (string name in server.Options.ProxyProtocol.Endpoints.Where(name => !names.Contains(name)))
        {
            _endpoints.EndpointOfProxyProtocolUnknown(name, string.Join(", ", names.Order(StringComparer.OrdinalIgnoreCase)) is { Length: > 0 } known ? known : "none has a name");
        }
    }

    private void ReviewRoutes(MtaTlsServer server, CurrentSettings.State settings, IEnumerable<string> configured)
    {
        BoundEndpoint[] bound = server.BoundEndpoints;
        HashSet<string> names = new(bound.Select(static b => b.Settings.Name).OfType<string>(), StringComparer.OrdinalIgnoreCase);
        names.UnionWith(configured);
        HashSet<(string, string)> found = [], before = _reported;
        _reported = found;
        ChannelRoute? general = null;
        foreach (ChannelRoute route in settings.Routes.Routes)
        {
            if (general is not null)
            {
                if (IsNew(route.Name, "general"))
                {
                    _routing.RouteNeverReached(route.Name, general.Name);
                }

                break;
            }

            foreach (string name in route.Endpoints.Where(name => !names.Contains(name) && IsNew(route.Name, "endpoint " + name)))
            {
                _routing.EndpointOfRouteUnknown(route.Name, name, string.Join(", ", names.Order(StringComparer.OrdinalIgnoreCase)) is { Length: > 0 } known ? known : "none has a name");
            }

            BoundEndpoint[] applicable = [.. bound.Where(b => route.Endpoints.Count == 0 || (b.Settings.Name is { } name && route.Endpoints.Contains(name)))];
            if (route.HasCertificateCondition && applicable.Length > 0 && Array.TrueForAll(applicable, static b => b.Settings.Https.ClientCertificateMode == ClientCertificateMode.NoCertificate)
                && IsNew(route.Name, "certificate"))
            {
                _routing.NoCertificatesForRoute(route.Name, string.Join(", ", applicable.Select(static b => b.Settings.Name ?? b.Endpoint.ToString())));
            }

            general = route.IsGeneral ? route : null;
        }

        if (settings.Identities.Length > 0 && bound.Length > 0 && Array.TrueForAll(bound, static b => b.Settings.Https.ClientCertificateMode == ClientCertificateMode.NoCertificate)
            && IsNew("", "identities"))
        {
            _endpoints.NoCertificatesForIdentityLimits();
        }

        bool IsNew(string route, string subject) => found.Add((route, subject)) && !before.Contains((route, subject));
    }
}
