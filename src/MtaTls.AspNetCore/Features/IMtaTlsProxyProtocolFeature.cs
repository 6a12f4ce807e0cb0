using System.Net;

namespace MtaTls.AspNetCore;

/// <summary>
/// The PROXY protocol header with which the connection began: a feature of <c>HttpContext.Features</c> and of a connection's or channel's <c>ConnectionContext.Features</c>. Absent where
/// <c>MtaTls:ProxyProtocol</c> does not ask for one. All of it is the balancer's word.
/// </summary>
public interface IMtaTlsProxyProtocolFeature
{
    /// <summary>The version of the header: 1 or 2.</summary>
    int Version { get; }

    /// <summary>Whether the balancer speaks for itself (command LOCAL), as for a health check: the connection's addresses are its own.</summary>
    bool IsLocal { get; }

    /// <summary>The balancer's address and port.</summary>
    EndPoint? ProxyEndPoint { get; }

    /// <summary>The client's address and port; null where the header tells none.</summary>
    IPEndPoint? SourceEndPoint { get; }

    /// <summary>The address and port that the client has connected to; null where the header tells none.</summary>
    IPEndPoint? DestinationEndPoint { get; }

    /// <summary>The application protocol (TLV PP2_TYPE_ALPN); empty where the header tells none.</summary>
    ReadOnlyMemory<byte> ApplicationProtocol { get; }

    /// <summary>The host name that the client asked for (TLV PP2_TYPE_AUTHORITY); null where the header tells none.</summary>
    string? Authority { get; }

    /// <summary>The balancer's id of the connection (TLV PP2_TYPE_UNIQUE_ID), up to 128 bytes; empty where the header tells none.</summary>
    ReadOnlyMemory<byte> UniqueId { get; }

    /// <summary>Finds a TLV of a header of version 2, the first of its type.</summary>
    /// <param name="type">The type, as the balancer's documentation names it; 0x20 is PP2_TYPE_SSL.</param>
    /// <param name="value">Its value.</param>
    /// <returns>False where the header has none of that type.</returns>
    bool TryGetTlv(byte type, out ReadOnlyMemory<byte> value);
}
