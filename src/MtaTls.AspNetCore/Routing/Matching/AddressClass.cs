namespace MtaTls.AspNetCore.Routing;

/// <summary>The class of an IP address. The server connects to addresses other than <see cref="Public"/> only if a route names them.</summary>
internal enum AddressClass
{
    /// <summary>Global unicast.</summary>
    Public,
    /// <summary>0.0.0.0/8 and ::, which many systems treat as this host.</summary>
    Unspecified,
    /// <summary>This host.</summary>
    Loopback,
    /// <summary>RFC 1918, unique local (fc00::/7) and the old site-local addresses.</summary>
    Private,
    /// <summary>100.64.0.0/10, shared between a carrier and its customers (RFC 6598).</summary>
    Shared,
    /// <summary>169.254.0.0/16 and fe80::/10.</summary>
    LinkLocal,
    /// <summary>The metadata services of clouds, which give out credentials without authentication.</summary>
    Metadata,
    Multicast,
    /// <summary>IPv6 that carries an IPv4 address which is not public (NAT64, 6to4, Teredo, ISATAP, IPv4-compatible, IPv4-translated), or a local NAT64 prefix.</summary>
    Translated,
    /// <summary>Documentation, benchmarks, future use, and all blocks that IANA has not assigned to global unicast.</summary>
    Reserved,
}
