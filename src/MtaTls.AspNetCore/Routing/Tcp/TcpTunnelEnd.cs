namespace MtaTls.AspNetCore.Routing;

/// <summary>The reason why a <see cref="TcpTunnel"/> ended.</summary>
internal enum TcpTunnelEnd
{
    /// <summary>The destination sent its FIN. The channel closes when all data is sent.</summary>
    DestinationClosed,
    /// <summary>The client closed the channel. The destination got all received data and a FIN.</summary>
    ChannelClosed,
    /// <summary>The destination reset its connection, or writing to it failed. The channel closes at once.</summary>
    DestinationFailed,
    /// <summary>The channel failed or its session was lost. The destination got a reset, because its data is incomplete.</summary>
    ChannelFailed,
    /// <summary>The server is stopping and the tunnel was idle. The destination got a FIN, and the channel closes.</summary>
    ServerStopped,
}
