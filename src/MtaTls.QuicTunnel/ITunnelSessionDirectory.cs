namespace MtaTls.QuicTunnel;

/// <summary>
/// Where several concentrators find each other's sessions: the service of this type, when there is one. Sessions and identities go by hashes, so that a directory knows no secret. What it says
/// decides only how a join is refused, and to which concentrator a connection is relayed; that one proves itself by its certificate.
/// </summary>
public interface ITunnelSessionDirectory
{
    /// <summary>A session has begun at this concentrator. Returns at once; the directory learns of it soon.</summary>
    /// <param name="session">The SHA-256 hash of the session id, in lower-case hexadecimal digits.</param>
    /// <param name="identity">The SHA-256 hash of the client's identity in the same form; null for a client without one.</param>
    void Add(string session, string? identity);

    /// <summary>A session of this concentrator has ended. Returns at once.</summary>
    /// <param name="session">The hash of its id.</param>
    void Remove(string session);

    /// <summary>Finds the concentrator that has a session and is alive.</summary>
    /// <param name="session">The hash of its id.</param>
    /// <param name="cancellationToken">Gives up, after <see cref="TunnelClusterOptions.LookupTimeout"/>.</param>
    /// <returns>Null when none has it. An exception when that is not known; the client is then asked to try again.</returns>
    ValueTask<TunnelSessionOwner?> FindAsync(string session, CancellationToken cancellationToken = default);
}
