namespace MtaTls.AspNetCore.Routing;

/// <summary>The routing decision about a channel.</summary>
/// <param name="Action">Where the channel goes.</param>
/// <param name="Name">The name of the route or router decision; null if none has decided or it has no name.</param>
/// <param name="Tcp">For <see cref="ChannelRouteAction.Tcp"/>, the route.</param>
/// <param name="Host">The destination's host, if a route has decided.</param>
internal readonly record struct RoutedChannel(ChannelRouteAction Action, string? Name, ChannelRoute? Tcp = null, ChannelHost Host = default);
