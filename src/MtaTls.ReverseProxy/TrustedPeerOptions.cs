using MtaTls.AspNetCore;

namespace MtaTls.ReverseProxy;

/// <summary>
/// One entry of <c>MtaTls:TrustedPeers</c>: peers whose channels' claimed source goes on in forwarding headers (another gateway of one's own, say). What is set must hold; at least one of both is needed.
/// </summary>
public sealed class TrustedPeerOptions
{
    /// <summary>Addresses and networks that the peer's real address is in, any of. <value>Default: empty, any address.</value></summary>
    public IList<string> Networks { get; } = [];

    /// <summary>What the peer's client certificate is. <value>Default: null, no condition.</value></summary>
    public ClientCertificateConditionOptions? ClientCertificate { get; set; }
}
