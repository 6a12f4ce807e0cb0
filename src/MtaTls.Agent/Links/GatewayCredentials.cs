using System.Security.Cryptography.X509Certificates;
using MtaTls.Agent.Configuration;
using MtaTls.Client;
using MtaTls.Configuration;

namespace MtaTls.Agent.Links;

/// <summary>Sets the agent's certificate and its trusted authorities from the current content of their files.</summary>
internal static class GatewayCredentials
{
    public static void Apply(AgentPlan plan, MtaTlsClientOptions options)
    {
        if (plan.Certificate?.Current is { } certificate)
        {
            options.ClientCertificate.Certificate = certificate.Certificate;
            options.ClientCertificate.Intermediates = certificate.Intermediates;
        }

        if (plan.Authorities is { } authorities)
        {
            X509ChainPolicy policy = new() { RevocationMode = X509RevocationMode.NoCheck };
            AuthoritySource.Apply(authorities.Current, policy);
            options.CertificateChainPolicy = policy;
        }
    }
}
