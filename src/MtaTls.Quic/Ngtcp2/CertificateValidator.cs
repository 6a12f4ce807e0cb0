using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>Validates the peer's certificate as SslStream does: the chain to the trusted authorities, the key usage, and at the client the server's name.</summary>
internal static class CertificateValidator
{
    private static readonly Oid s_serverAuthentication = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid s_clientAuthentication = new("1.3.6.1.5.5.7.3.2");

    public static bool Accepts(QuicConnectionOptions options, X509Certificate2Collection certificates, DateTimeOffset now, out string failure)
    {
        if (certificates.Count == 0)
        {
            failure = "the peer sent no certificate";
            return options.CertificateValidation?.Invoke(null, null, SslPolicyErrors.RemoteCertificateNotAvailable) ?? false;
        }

        X509Certificate2 certificate = certificates[0];
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = options.RevocationMode;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.LocalDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(options is QuicClientOptions ? s_serverAuthentication : s_clientAuthentication);
        for (int i = 1; i < certificates.Count; i++)
        {
            chain.ChainPolicy.ExtraStore.Add(certificates[i]);
        }

        if (options.TrustedAuthorities is { } authorities)
        {
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            foreach (X509Certificate2 authority in authorities)
            {
                (authority.SubjectName.RawData.AsSpan().SequenceEqual(authority.IssuerName.RawData) ? chain.ChainPolicy.CustomTrustStore : chain.ChainPolicy.ExtraStore).Add(authority);
            }
        }

        SslPolicyErrors errors = SslPolicyErrors.None;
        if (!chain.Build(certificate))
        {
            errors |= SslPolicyErrors.RemoteCertificateChainErrors;
        }

        if (options is QuicClientOptions client && !certificate.MatchesHostname(client.ServerName))
        {
            errors |= SslPolicyErrors.RemoteCertificateNameMismatch;
        }

        bool accepted = options.CertificateValidation?.Invoke(certificate, chain, errors) ?? errors == SslPolicyErrors.None;
        failure = accepted ? ""
            : errors == SslPolicyErrors.None ? $"{certificate.Subject}: refused by CertificateValidation"
            : $"{certificate.Subject}: {errors} ({string.Join(", ", chain.ChainStatus.Select(static s => s.Status))})";
        return accepted;
    }
}
