using System.Net;

namespace MtaTls.QuicTunnel;

/// <summary>One session as it was when it was asked for.</summary>
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

    /// <summary>What the session is called in logs and metrics: 16 hexadecimal digits that say nothing of its id.</summary>
    public string Name { get; }

    /// <summary>The client certificate's subject or the token's name; null where clients are anonymous.</summary>
    public string? Identity { get; }

    /// <summary>The value that the client gave with New Session (draft section 6.1.1), 0 to 255 octets; empty when it was a token.</summary>
    public ReadOnlyMemory<byte> QosIndication { get; }

    /// <summary>When the session began.</summary>
    public DateTimeOffset CreatedAt { get; }

    /// <summary>The addresses that the client may use and is reached by.</summary>
    public IReadOnlyList<IPAddress> Addresses { get; }

    /// <summary>Its connections; none in its grace period.</summary>
    public IReadOnlyList<TunnelPathInfo> Paths { get; }
}
