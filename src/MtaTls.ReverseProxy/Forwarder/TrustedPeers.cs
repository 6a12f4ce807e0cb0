using Microsoft.AspNetCore.Http;
using MtaTls.AspNetCore.Routing;
using MtaTls.ReverseProxy.Configuration;

namespace MtaTls.ReverseProxy.Forwarder;

/// <summary>Whose claims of a source are passed on: the peers of <c>MtaTls:TrustedPeers</c>, by the address that they really have and the certificate that they proved.</summary>
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
