using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MtaTls.Tool.Management;

/// <summary>Limits a branch of the application to one of its endpoints. It does not use the Host header, because clients choose that header.</summary>
internal static class PrivateEndpoint
{
    /// <summary>Marks an endpoint's connections with a name.</summary>
    public static void Mark(ListenOptions listen, string name) => listen.Use(next => connection =>
    {
        connection.Items[Key(name)] = true;
        return next(connection);
    });

    /// <summary>Maps a branch for the requests of marked connections.</summary>
    public static void Map(IApplicationBuilder app, string name, Action<IApplicationBuilder> configure) =>
        app.MapWhen(context => context.Features.Get<IConnectionItemsFeature>()?.Items.ContainsKey(Key(name)) == true, configure);

    private static string Key(string name) => $"mtatls.endpoint.{name}";
}
