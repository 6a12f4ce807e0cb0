namespace MtaTls.AspNetCore;

/// <summary>The decision of an <see cref="IMtaTlsChannelRouter"/> about a channel.</summary>
public readonly record struct MtaTlsChannelDecision
{
    private MtaTlsChannelDecision(ChannelRouteAction action, string? route)
    {
        Action = action;
        Route = route;
    }

    /// <summary>No decision: the next router decides, or after the last router the routes of <c>MtaTls:Channels</c>.</summary>
    public static MtaTlsChannelDecision None => default;

    /// <summary>Where the channel goes; null for <see cref="None"/>.</summary>
    public ChannelRouteAction? Action { get; }

    /// <summary>The name of the decision in logs and metrics; null for none.</summary>
    public string? Route { get; }

    /// <summary>The channel goes to the application.</summary>
    /// <param name="route">The name of the decision in logs and metrics; null for none.</param>
    public static MtaTlsChannelDecision Http(string? route = null) => new(ChannelRouteAction.Http, route);

    /// <summary>The channel is refused. The client gets only the error text "Not available."; the log contains the name.</summary>
    /// <param name="route">The name of the decision in logs and metrics; null for none.</param>
    public static MtaTlsChannelDecision Reject(string? route = null) => new(ChannelRouteAction.Reject, route);
}
