using System.Security.Cryptography.X509Certificates;

namespace MtaTls.QuicTunnel.Cluster;

/// <summary>The certificates of concentrators, which have the concentrator's name as a DNS name.</summary>
internal static class NodeCertificate
{
    /// <summary>Whether a concentrator's name can be in a certificate.</summary>
    public static bool IsName(string node) => Uri.CheckHostName(node) is UriHostNameType.Dns or UriHostNameType.IPv4;

    /// <summary>Whether a certificate, whose chain was validated, is that of a concentrator. Wildcards and the common name do not count.</summary>
    public static bool Is(X509Certificate2? certificate, string node) =>
        certificate is not null && IsName(node) && certificate.MatchesHostname(node, allowWildcards: false, allowCommonName: false);
}
