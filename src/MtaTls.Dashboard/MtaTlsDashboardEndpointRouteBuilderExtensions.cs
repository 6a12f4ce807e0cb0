using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using MtaTls.Dashboard;
using MtaTls.Dashboard.Assets;
using MtaTls.Dashboard.Inspector;
using MtaTls.Dashboard.Security;
using MtaTls.Dashboard.Views;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the live page.</summary>
public static class MtaTlsDashboardEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps the live page. Call <c>RequireAuthorization(...)</c> on the result. Without an authorization policy, or with <c>AllowAnonymous()</c>, only browsers on this machine see the page, and only in the
    /// Development environment. All others get 404.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The path of the page. Default: <c>/mta-tls</c>.</param>
    /// <returns>A builder for conventions of the page and everything below it, such as <c>RequireAuthorization(...)</c>.</returns>
    /// <exception cref="InvalidOperationException"><c>AddMtaTlsDashboard()</c> was not called.</exception>
    public static IEndpointConventionBuilder MapMtaTlsDashboard(this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern = "/mta-tls")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(pattern);
        IServiceProvider services = endpoints.ServiceProvider;
        DashboardGate gate = services.GetService<DashboardGate>()
            ?? throw new InvalidOperationException($"{nameof(MapMtaTlsDashboard)}() needs services that are not registered. Call builder.Services.AddMtaTlsDashboard().");
        DashboardEndpoints pages = services.GetRequiredService<DashboardEndpoints>();
        DashboardActions actions = services.GetRequiredService<DashboardActions>();
        RouteGroupBuilder group = endpoints.MapGroup(pattern);
        group.WithMetadata(new ExcludeFromDescriptionAttribute());
        Get("", "page", pages.PageAsync);
        foreach (Asset asset in services.GetRequiredService<AssetTable>().Files)
        {
            Get(asset.Path, asset.Path, context => AssetTable.SendAsync(context, asset));
        }

        Get("api/snapshot", "snapshot", pages.SnapshotAsync);
        Get("api/stream", "stream", pages.StreamAsync);
        Get("api/requests/{number:long}", "request", pages.RequestAsync);
        Get("api/token", "token", actions.TokenAsync);
        Post("api/sessions/{id}/end", actions.EndSessionAsync);
        Post("api/sessions/{id}/abort", actions.AbortSessionAsync);
        Post("api/sessions/{id}/channels/{channel}/abort", actions.AbortChannelAsync);
        Post("api/agents/{id}/drain", actions.DrainAgentAsync);
        Post("api/agents/{id}/end", actions.EndAgentAsync);
        Post("api/tunnels/{id}/end", actions.EndTunnelAsync);
        Post("api/requests/{number:long}/replay", actions.ReplayAsync);
        return group;

        void Get(string path, string name, RequestDelegate handler) => group.MapGet(path, gate.Guard(handler)).WithDisplayName($"MTA-TLS dashboard: {name}");

        void Post(string path, RequestDelegate handler) => group.MapPost(path, gate.Guard(actions.Guard(handler))).WithDisplayName($"MTA-TLS dashboard: {path}");
    }

    /// <summary>
    /// Records the requests of endpoints for the live page's inspector: <c>app.MapReverseProxy().WithMtaTlsInspector()</c>. It does nothing unless <c>MtaTlsDashboard:Inspector:Enabled</c> is true.
    /// </summary>
    /// <typeparam name="TBuilder">The builder's type.</typeparam>
    /// <param name="builder">The builder for the endpoints' conventions.</param>
    /// <returns><paramref name="builder"/>.</returns>
    public static TBuilder WithMtaTlsInspector<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Add(static endpoint =>
        {
            if (endpoint.RequestDelegate is { } next)
            {
                endpoint.RequestDelegate = context => RequestRecorder.InvokeAsync(context, next);
            }
        });
        return builder;
    }
}
