namespace MtaTls.AspNetCore;

/// <summary>
/// Decides where channels go, before the routes of <c>MtaTls:Channels</c>. Register routers as singletons (<c>services.AddSingleton&lt;IMtaTlsChannelRouter, MyRouter&gt;()</c>).
/// They are asked in the order of registration, and the first decision counts. With a router, every request must name the destination of its channel, as with channel routes
/// (<see cref="MtaTlsOptions.AllowHostMismatch"/>).
/// </summary>
public interface IMtaTlsChannelRouter
{
    /// <summary>
    /// Decides about one channel. It is called on the read loops of sessions, concurrently, so it must be thread-safe and must not wait. If it throws, the channel is refused and an error is logged.
    /// </summary>
    /// <param name="open">The open: the session, the source and the destination.</param>
    /// <returns>The decision. <see cref="MtaTlsChannelDecision.None"/> leaves it to the next router, and after the last router to the configured routes.</returns>
    MtaTlsChannelDecision Route(in MtaTlsChannelOpen open);
}
