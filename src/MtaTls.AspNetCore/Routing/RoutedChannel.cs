namespace MtaTls.AspNetCore.Routing;

/// <summary>Where a channel goes.</summary>
/// <param name="Action">Into the application, to its destination over TCP, to an agent, or nowhere.</param>
/// <param name="Name">The name of the route that has decided; null where none has.</param>
/// <param name="Tcp">For <see cref="ChannelRouteAction.Tcp"/>, the route.</param>
/// <param name="Host">The destination's host, where a route has read it.</param>
internal readonly record struct RoutedChannel(ChannelRouteAction Action, string? Name, ChannelRoute? Tcp = null, ChannelHost Host = default);
