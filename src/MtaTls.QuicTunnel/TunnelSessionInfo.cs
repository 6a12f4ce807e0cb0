using System.Net;

namespace MtaTls.QuicTunnel;

/// <summary>A snapshot of one session.</summary>
public sealed class TunnelSessionInfo
{
    internal TunnelSessionInfo(
        string name,
        string? identity,
        ReadOnlyMemory<byte> qosIndication,
        DateTimeOffset createdAt,
        IReadOnlyList<IPAddress> addresses,
        IReadOnlyList<TunnelPathInfo> paths)
    {
        Name = name;
        Identity = identity;
        QosIndication = qosIndication;
        CreatedAt = createdAt;
        Addresses = addresses;
        Paths = paths;
    }

    /// <summary>The name of the session in logs and metrics: 16 hexadecimal digits that reveal nothing about its id.</summary>
    public string Name { get; }

    /// <summary>The subject of the client's certificate, or the name of its token; null for anonymous clients.</summary>
    public string? Identity { get; }

    /// <summary>The QoS indication: the value of the New Session TLV (draft section 6.1.1), 0 to 255 bytes. Empty if the value was a token.</summary>
    public ReadOnlyMemory<byte> QosIndication { get; }

    /// <summary>When the session was created.</summary>
    public DateTimeOffset CreatedAt { get; }

    /// <summary>The tunnel addresses of the client.</summary>
    public IReadOnlyList<IPAddress> Addresses { get; }

    /// <summary>The connections (paths) of the session. Empty in its grace period.</summary>
    public IReadOnlyList<TunnelPathInfo> Paths { get; }
}
