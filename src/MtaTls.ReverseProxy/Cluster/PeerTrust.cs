using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MtaTls.AspNetCore.Routing;
using MtaTls.Configuration;

namespace MtaTls.ReverseProxy.Cluster;

/// <summary>Who is a gateway of the cluster: a certificate that is trusted and meets the condition. Names and addresses of machines do not count.</summary>
internal sealed class PeerTrust(ClientCertificateCondition condition, AuthoritySource? authorities)
{
    /// <summary>For clients (<c>id-kp-clientAuth</c>).</summary>
    public static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");

    /// <summary>For servers (<c>id-kp-serverAuth</c>).</summary>
    public static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");

    /// <summary>Whether a certificate meets the condition.</summary>
    public bool Matches(X509Certificate2? certificate) => condition.Matches(certificate);

    /// <summary>Whether a certificate that the handshake has proved is a gateway's.</summary>
    /// <param name="certificate">The certificate.</param>
    /// <param name="sent">The chain with the intermediates that were sent.</param>
    /// <param name="isTrusted">Whether the machine trusts the certificate.</param>
    /// <param name="purpose">What it must be for.</param>
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
