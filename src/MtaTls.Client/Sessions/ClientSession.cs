using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

/// <summary>One MTA-TLS session of a pool and how many channels it has. All counts change under the pool's lock.</summary>
internal sealed class ClientSession(DialedConnection connection, MtaTlsSession session, int limit)
{
    public DialedConnection Connection => connection;

    public MtaTlsSession Session => session;

    /// <summary>Own channels that are open or being opened.</summary>
    public int Channels { get; set; }

    /// <summary>How many channels fit: the own limit, or the server's as its refusals have shown it.</summary>
    public int Limit { get; private set; } = limit;

    public bool HasRoom => Channels < Limit && session.AcceptsChannels;

    /// <summary>Closes the session when it has had no channel for a while.</summary>
    public ITimer? IdleTimer { get; set; }

    /// <summary>The server refused a channel for want of room: what is open now, without the refused one, is what fits.</summary>
    public void LearnLimit() => Limit = Math.Max(1, Channels - 1);
}
