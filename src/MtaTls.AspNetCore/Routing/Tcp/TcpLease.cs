using MtaTls.AspNetCore.Connections;

namespace MtaTls.AspNetCore.Routing;

/// <summary>A place among the TCP connections to channels' destinations: those of the server and those of the client's address. It is given back by disposing it, once.</summary>
internal sealed class TcpLease : IDisposable
{
    private readonly CountLimit _server;
    private readonly ClientAddress _client;

    private TcpLease(CountLimit server, ClientAddress client)
    {
        _server = server;
        _client = client;

        // The session may end before the connection does.
        client.Hold();
    }

    /// <summary>Takes a place.</summary>
    /// <param name="server">Counts the connections of all clients.</param>
    /// <param name="client">The client's address.</param>
    /// <param name="options">The limits.</param>
    /// <param name="exceeded">The limit that leaves no place, and its value.</param>
    /// <returns>Null where there is no place.</returns>
    public static TcpLease? TryTake(CountLimit server, ClientAddress client, MtaTlsTcpOptions options, out (string Name, int Value) exceeded)
    {
        exceeded = (nameof(options.MaxConnections), options.MaxConnections);
        if (!server.TryEnter(options.MaxConnections))
        {
            return null;
        }

        exceeded = (nameof(options.MaxConnectionsPerAddress), options.MaxConnectionsPerAddress);
        if (!client.TcpConnections.TryEnter(options.MaxConnectionsPerAddress))
        {
            server.Leave();
            return null;
        }

        return new TcpLease(server, client);
    }

    public void Dispose()
    {
        _client.TcpConnections.Leave();
        _client.Drop();
        _server.Leave();
    }
}
