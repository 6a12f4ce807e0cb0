using System.Net;

namespace MtaTls.AspNetCore.Connections;

/// <summary>
/// A session's place among what the server may have at a time: of handshakes until the handshake has ended, of sessions and of its client's address until it is disposed.
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

    /// <summary>What the client shares with other sessions of its address.</summary>
    public ClientAddress Address { get; }

    /// <summary>Takes a place for a client that offers the extension.</summary>
    /// <param name="server">The server.</param>
    /// <param name="remote">The client's address.</param>
    /// <param name="limit">The option that leaves no place; null where there is one.</param>
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

    /// <summary>The handshake has succeeded or failed.</summary>
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
