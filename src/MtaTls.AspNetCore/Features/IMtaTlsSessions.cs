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
}
