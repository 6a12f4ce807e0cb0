using System.Net;

namespace MtaTls.AspNetCore;

/// <summary>
/// The PROXY protocol header of the connection: a feature of <c>HttpContext.Features</c> and of a connection's or channel's <c>ConnectionContext.Features</c>. Absent on connections for which
/// <c>MtaTls:ProxyProtocol</c> expects no header. The server does not verify its content; it trusts the load balancer.
/// </summary>
public interface IMtaTlsProxyProtocolFeature
{
    /// <summary>The version of the header: 1 or 2.</summary>
    int Version { get; }

    /// <summary>Whether the load balancer itself is the client (command LOCAL), for example in a health check. The connection then keeps its own addresses.</summary>
    bool IsLocal { get; }

    /// <summary>The load balancer's address and port; null if it is connected through a socket without addresses.</summary>
    EndPoint? ProxyEndPoint { get; }

    /// <summary>The client's address and port; null if the header has none.</summary>
    IPEndPoint? SourceEndPoint { get; }

    /// <summary>The address and port to which the client has connected; null if the header has none.</summary>
    IPEndPoint? DestinationEndPoint { get; }

    /// <summary>The application protocol (TLV PP2_TYPE_ALPN); empty if the header has none.</summary>
    ReadOnlyMemory<byte> ApplicationProtocol { get; }

    /// <summary>The host name that the client asked for (TLV PP2_TYPE_AUTHORITY); null if the header has none.</summary>
    string? Authority { get; }

    /// <summary>The load balancer's id of the connection (TLV PP2_TYPE_UNIQUE_ID), at most 128 bytes; empty if the header has none or a longer one.</summary>
    ReadOnlyMemory<byte> UniqueId { get; }

    /// <summary>Finds the first TLV of a type in a header of version 2.</summary>
    /// <param name="type">The type. The PROXY protocol or the load balancer defines it; 0x20 is PP2_TYPE_SSL.</param>
    /// <param name="value">The value of the TLV; empty if there is none.</param>
    /// <returns>False if the header has no TLV of that type.</returns>
    bool TryGetTlv(byte type, out ReadOnlyMemory<byte> value);
}
