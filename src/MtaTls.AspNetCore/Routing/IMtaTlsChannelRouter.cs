namespace MtaTls.AspNetCore;

/// <summary>
/// Decides where channels go, before the routes of <c>MtaTls:Channels</c>. Register any number as singletons (<c>services.AddSingleton&lt;IMtaTlsChannelRouter, MyRouter&gt;()</c>):
/// they are asked in order, and the first that decides is obeyed. Where there is one, every request must name the destination of its channel, as with channel routes.
/// </summary>
public interface IMtaTlsChannelRouter
{
    /// <summary>
    /// Decides about one channel. Called on the session's read loop, by many sessions at a time: it must not wait. An exception refuses the channel and is logged as an error.
    /// </summary>
    /// <param name="open">What the client asks for.</param>
    /// <returns>The decision; <see cref="MtaTlsChannelDecision.None"/> leaves it to the next router, and last to the configured routes.</returns>
    MtaTlsChannelDecision Route(in MtaTlsChannelOpen open);
}
