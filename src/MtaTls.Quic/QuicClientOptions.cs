using System.Net;

namespace MtaTls.Quic;

/// <summary>Options of a client connection, in addition to <see cref="QuicConnectionOptions"/>.</summary>
internal sealed class QuicClientOptions : QuicConnectionOptions
{
    /// <summary>Creates options for a connection to <paramref name="remoteEndPoint"/>, whose certificate must be valid for <paramref name="serverName"/>.</summary>
    public QuicClientOptions(IPEndPoint remoteEndPoint, string serverName)
    {
        ArgumentNullException.ThrowIfNull(remoteEndPoint);
        ArgumentException.ThrowIfNullOrEmpty(serverName);
        RemoteEndPoint = remoteEndPoint;
        ServerName = serverName;
    }

    /// <summary>The server's address and port.</summary>
    public IPEndPoint RemoteEndPoint { get; }

    /// <summary>The DNS name (sent as SNI) or IP address that the server's certificate must be valid for.</summary>
    public string ServerName { get; }

    /// <summary>The local address to bind to. Default null: the routes decide.</summary>
    public IPAddress? LocalAddress { get; set; }

    /// <summary>The local port. Default 0: a free one.</summary>
    public int LocalPort { get; set; }

    /// <summary>The network interface to bind to (SO_BINDTODEVICE): packets leave through it whatever the routes say. Default null: no interface.</summary>
    public string? InterfaceName { get; set; }

    /// <summary>
    /// Whether the connection moves to the address that the server announces as its own, once the server has answered there (RFC 9000, section 9.6). Default true.
    /// </summary>
    public bool UsePreferredAddress { get; set; } = true;
}
