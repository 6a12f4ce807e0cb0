using System.Net;

namespace MtaTls.Quic;

/// <summary>What a client connection can set beside <see cref="QuicConnectionOptions"/>.</summary>
internal sealed class QuicClientOptions : QuicConnectionOptions
{
    /// <summary>Makes the options of a connection to <paramref name="remoteEndPoint"/>, whose certificate must be for <paramref name="serverName"/>.</summary>
    public QuicClientOptions(IPEndPoint remoteEndPoint, string serverName)
    {
        ArgumentNullException.ThrowIfNull(remoteEndPoint);
        ArgumentException.ThrowIfNullOrEmpty(serverName);
        RemoteEndPoint = remoteEndPoint;
        ServerName = serverName;
    }

    /// <summary>The server.</summary>
    public IPEndPoint RemoteEndPoint { get; }

    /// <summary>The DNS name (sent as SNI) or IP address that the server's certificate must be for.</summary>
    public string ServerName { get; }

    /// <summary>The local address to bind; null takes what the routes say.</summary>
    public IPAddress? LocalAddress { get; set; }

    /// <summary>The local port; 0 takes a free one.</summary>
    public int LocalPort { get; set; }

    /// <summary>The network interface to bind to (SO_BINDTODEVICE): packets take it whatever the routes say. Null binds to none.</summary>
    public string? InterfaceName { get; set; }
}
