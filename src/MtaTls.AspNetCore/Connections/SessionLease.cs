using System.Net;

namespace MtaTls.AspNetCore.Connections;

/// <summary>
/// A session's places among the server's limits. It takes one of MaxHandshakes until the handshake has ended, and one of MaxSessions and MaxSessionsPerAddress until it is disposed.
/// </summary>
internal sealed class SessionLease : IDisposable
{
    private readonly MtaTlsServer _server;
    private int _handshakes = 1;
    private int _sessions = 1;

    private SessionLease(MtaTlsServer server, ClientAddress address)
    {
        _server = server;
        Address = address;
    }

    /// <summary>The budgets and counts that the client shares with other sessions of its address.</summary>
    public ClientAddress Address { get; }

    /// <summary>Takes the places for a connection; null if a limit is reached.</summary>
    /// <param name="server">The server.</param>
    /// <param name="remote">The client's address.</param>
    /// <param name="limit">The option whose limit is reached; null if none is.</param>
    public static SessionLease? TryTake(MtaTlsServer server, EndPoint? remote, out string? limit)
    {
        if (server.Addresses.TryEnter(remote) is not { } address)
        {
            limit = nameof(MtaTlsLimits.MaxSessionsPerAddress);
            return null;
        }

        if (!server.Handshakes.TryEnter(server.Limits.MaxHandshakes))
        {
            server.Addresses.Leave(address);
            limit = nameof(MtaTlsLimits.MaxHandshakes);
            return null;
        }

        if (!server.Sessions.TryEnter(server.Limits.MaxSessions))
        {
            server.Handshakes.Leave();
            server.Addresses.Leave(address);
            limit = nameof(MtaTlsLimits.MaxSessions);
            return null;
        }

        limit = null;
        return new SessionLease(server, address);
    }

    /// <summary>Releases the place of the handshake, which has succeeded or failed.</summary>
    public void HandshakeEnded()
    {
        if (Interlocked.Exchange(ref _handshakes, 0) == 1)
        {
            _server.Handshakes.Leave();
        }
    }

    public void Dispose()
    {
        HandshakeEnded();
        if (Interlocked.Exchange(ref _sessions, 0) == 1)
        {
            _server.Sessions.Leave();
            _server.Addresses.Leave(Address);
        }
    }
}
