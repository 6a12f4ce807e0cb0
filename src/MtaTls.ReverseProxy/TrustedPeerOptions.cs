using MtaTls.AspNetCore;

namespace MtaTls.ReverseProxy;

/// <summary>
/// One entry of <c>MtaTls:TrustedPeers</c>: peers, such as your other gateways, that are trusted with the source that their channels claim. It is passed on in forwarding headers. An entry needs
/// <see cref="Networks"/> or <see cref="ClientCertificate"/>; with both, both must match.
/// </summary>
public sealed class TrustedPeerOptions
{
    /// <summary>IP addresses and networks, such as <c>10.0.0.0/8</c>. The peer's real address must be in one of them.</summary>
    /// <value>Default: empty, any address.</value>
    public IList<string> Networks { get; } = [];

    /// <summary>The condition that the peer's client certificate must meet.</summary>
    /// <value>Default: null, no condition.</value>
    public ClientCertificateConditionOptions? ClientCertificate { get; set; }
}
