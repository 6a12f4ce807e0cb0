using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MtaTls.AspNetCore.Routing;
using MtaTls.Configuration;

namespace MtaTls.ReverseProxy.Cluster;

/// <summary>Decides whether a certificate belongs to a gateway of the cluster: it must be trusted and meet the condition. Host names and addresses are not checked.</summary>
internal sealed class PeerTrust(ClientCertificateCondition condition, AuthoritySource? authorities)
{
    /// <summary>The extended key usage of clients (<c>id-kp-clientAuth</c>).</summary>
    public static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");

    /// <summary>The extended key usage of servers (<c>id-kp-serverAuth</c>).</summary>
    public static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");

    /// <summary>Whether a certificate meets the condition.</summary>
    public bool Matches(X509Certificate2? certificate) => condition.Matches(certificate);

    /// <summary>Whether the peer's certificate belongs to a gateway. The handshake has already proved that the peer has the private key.</summary>
    /// <param name="certificate">The peer's certificate.</param>
    /// <param name="sent">The chain, with the intermediate certificates that the peer sent.</param>
    /// <param name="isTrusted">Whether the machine trusts the certificate.</param>
    /// <param name="purpose">The extended key usage that it must have.</param>
    public bool IsPeer(X509Certificate2 certificate, X509Chain? sent, bool isTrusted, Oid purpose) => condition.Matches(certificate) && (authorities is null ? isTrusted : Builds(certificate, sent, authorities, purpose));

    private static bool Builds(X509Certificate2 certificate, X509Chain? sent, AuthoritySource authorities, Oid purpose)
    {
        using X509Chain chain = new();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(purpose);
        AuthoritySource.Apply(authorities.Current, chain.ChainPolicy);
        if (sent is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(sent.ChainPolicy.ExtraStore);
            foreach (X509ChainElement element in sent.ChainElements)
            {
                chain.ChainPolicy.ExtraStore.Add(element.Certificate);
            }
        }

        return chain.Build(certificate);
    }
}
