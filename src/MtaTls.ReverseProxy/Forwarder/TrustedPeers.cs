using Microsoft.AspNetCore.Http;
using MtaTls.AspNetCore.Routing;
using MtaTls.ReverseProxy.Configuration;

namespace MtaTls.ReverseProxy.Forwarder;

/// <summary>Decides whether a peer's claimed sources are passed on: <c>MtaTls:TrustedPeers</c> must match the peer's real address and its proved certificate.</summary>
internal sealed class TrustedPeers(ReverseProxySettings settings)
{
    public bool Trusts(HttpContext context)
    {
        IReadOnlyList<TrustedPeer> rules = settings.Current.TrustedPeers;
        if (rules.Count == 0 || context.Connection.RemoteIpAddress is not { } address)
        {
            return false;
        }

        address = ChannelHost.Normalize(address);
        foreach (TrustedPeer rule in rules)
        {
            if (rule.Matches(address, context.Connection.ClientCertificate))
            {
                return true;
            }
        }

        return false;
    }
}
