namespace MtaTls.AspNetCore.Routing;

/// <summary>What ended a <see cref="TcpTunnel"/>.</summary>
internal enum TcpTunnelEnd
{
    /// <summary>The destination sent its FIN: the channel closes once everything has been sent.</summary>
    DestinationClosed,
    /// <summary>The peer closed the channel: the destination got what had arrived, then our FIN.</summary>
    ChannelClosed,
    /// <summary>The destination reset its connection, or could not be written to: the channel closes at once.</summary>
    DestinationFailed,
    /// <summary>The channel failed or its session was lost: the destination got a reset, for what it has is not whole.</summary>
    ChannelFailed,
    /// <summary>The server is stopping and nothing went through the tunnel for a while: our FIN, and the channel closes.</summary>
    ServerStopped,
}
