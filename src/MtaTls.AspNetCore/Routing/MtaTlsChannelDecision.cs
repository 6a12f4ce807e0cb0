namespace MtaTls.AspNetCore;

/// <summary>What an <see cref="IMtaTlsChannelRouter"/> has decided about a channel.</summary>
public readonly record struct MtaTlsChannelDecision
{
    private MtaTlsChannelDecision(ChannelRouteAction action, string? route)
    {
        Action = action;
        Route = route;
    }

    /// <summary>No decision: the next router, and last the routes of <c>MtaTls:Channels</c>, decide.</summary>
    public static MtaTlsChannelDecision None => default;

    /// <summary>Where the channel goes; null for <see cref="None"/>.</summary>
    public ChannelRouteAction? Action { get; }

    /// <summary>The name by which logs and metrics call the decision; null: none.</summary>
    public string? Route { get; }

    /// <summary>The channel goes into the application.</summary>
    /// <param name="route">The name by which logs and metrics call the decision.</param>
    public static MtaTlsChannelDecision Http(string? route = null) => new(ChannelRouteAction.Http, route);

    /// <summary>The channel is refused. The client hears "Not available." and nothing more; the log has the name.</summary>
    /// <param name="route">The name by which logs and metrics call the decision.</param>
    public static MtaTlsChannelDecision Reject(string? route = null) => new(ChannelRouteAction.Reject, route);
}
