namespace MtaTls.AspNetCore.Routing;

/// <summary>One of the two ends that a <see cref="TcpTunnel"/> connects.</summary>
internal enum TcpTunnelSide
{
    /// <summary>The TCP connection.</summary>
    Socket,

    /// <summary>The channel.</summary>
    Channel,
}
