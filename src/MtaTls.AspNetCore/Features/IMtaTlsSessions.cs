using MtaTls.Protocol;

namespace MtaTls.AspNetCore;

/// <summary>Lists and ends the server's MTA-TLS sessions. A service that <c>UseMtaTls()</c> registers.</summary>
public interface IMtaTlsSessions
{
    /// <summary>Lists the sessions that are open now, in no particular order.</summary>
    IReadOnlyList<IMtaTlsSessionFeature> List();

    /// <summary>Finds an open session by its id; null if there is none.</summary>
    /// <param name="sessionId">Its <see cref="IMtaTlsSessionFeature.SessionId"/>.</param>
    IMtaTlsSessionFeature? Find(string sessionId);

    /// <summary>
    /// Ends a session gracefully: the client is told to open another session, new channels are refused, idle channels are closed, running requests finish, and then close_notify is sent.
    /// </summary>
    /// <param name="sessionId">Its <see cref="IMtaTlsSessionFeature.SessionId"/>.</param>
    /// <returns>False if no open session has this id.</returns>
    bool End(string sessionId);

    /// <summary>Ends a session at once and aborts its requests.</summary>
    /// <param name="sessionId">Its <see cref="IMtaTlsSessionFeature.SessionId"/>.</param>
    /// <returns>False if no open session has this id.</returns>
    bool Abort(string sessionId);

    /// <summary>Lists the channels of a session that are open now, in the order of their ids.</summary>
    /// <param name="sessionId">The session's <see cref="IMtaTlsSessionFeature.SessionId"/>.</param>
    /// <returns>Null if no open session has this id.</returns>
    IReadOnlyList<MtaTlsChannelInfo>? ListChannels(string sessionId);

    /// <summary>Aborts one channel with its requests. The session and its other channels continue.</summary>
    /// <param name="sessionId">The session's <see cref="IMtaTlsSessionFeature.SessionId"/>.</param>
    /// <param name="channelId">The channel's <see cref="MtaTlsChannelInfo.ChannelId"/>.</param>
    /// <returns>False if no open session or channel has this id.</returns>
    bool AbortChannel(string sessionId, ChannelId channelId);
}
