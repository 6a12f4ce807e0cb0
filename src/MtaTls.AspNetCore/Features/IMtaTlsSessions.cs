using MtaTls.Protocol;

namespace MtaTls.AspNetCore;

/// <summary>The server's MTA-TLS sessions, for the application: a service that <c>UseMtaTls()</c> registers.</summary>
public interface IMtaTlsSessions
{
    /// <summary>The sessions that are open now, in no order.</summary>
    IReadOnlyList<IMtaTlsSessionFeature> List();

    /// <summary>A session by its id; null where there is none (any more).</summary>
    /// <param name="sessionId">Its <see cref="IMtaTlsSessionFeature.SessionId"/>.</param>
    IMtaTlsSessionFeature? Find(string sessionId);

    /// <summary>
    /// Ends a session in order: new channels are refused, those that are idle are closed, requests that are running finish, then close_notify is sent.
    /// </summary>
    /// <param name="sessionId">Its <see cref="IMtaTlsSessionFeature.SessionId"/>.</param>
    /// <returns>False when there is no such session (any more).</returns>
    bool End(string sessionId);

    /// <summary>Ends a session at once: its requests are aborted.</summary>
    /// <param name="sessionId">Its <see cref="IMtaTlsSessionFeature.SessionId"/>.</param>
    /// <returns>False when there is no such session (any more).</returns>
    bool Abort(string sessionId);

    /// <summary>The channels of a session that are open now, in the order of their ids.</summary>
    /// <param name="sessionId">The session's <see cref="IMtaTlsSessionFeature.SessionId"/>.</param>
    /// <returns>Null when there is no such session (any more).</returns>
    IReadOnlyList<MtaTlsChannelInfo>? ListChannels(string sessionId);

    /// <summary>Closes one channel at once: what it serves is aborted. The session and its other channels go on.</summary>
    /// <param name="sessionId">The session's <see cref="IMtaTlsSessionFeature.SessionId"/>.</param>
    /// <param name="channelId">The channel's <see cref="MtaTlsChannelInfo.ChannelId"/>.</param>
    /// <returns>False when there is no such channel (any more).</returns>
    bool AbortChannel(string sessionId, ChannelId channelId);
}
