using MtaTls.AspNetCore.Connections;

namespace MtaTls.AspNetCore.Routing;

/// <summary>A place of one TCP connection under MaxConnections and MaxConnectionsPerAddress. Dispose it once to release the place.</summary>
internal sealed class TcpLease : IDisposable
{
    private readonly CountLimit _server;
    private readonly ClientAddress _client;

    private TcpLease(CountLimit server, ClientAddress client)
    {
        _server = server;
        _client = client;

        // The session may end before the TCP connection, which still counts against the address.
        client.Hold();
    }

    /// <summary>Takes a place.</summary>
    /// <param name="server">Counts the connections of all clients.</param>
    /// <param name="client">The client's address.</param>
    /// <param name="options">The limits.</param>
    /// <param name="exceeded">If null is returned, the limit that is reached, and its value.</param>
    /// <returns>Null if a limit is reached.</returns>
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
