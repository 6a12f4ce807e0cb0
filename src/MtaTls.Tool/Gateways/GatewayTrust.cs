using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Tool.Gateways;

/// <summary>Validates a gateway's certificate, and remembers the reason of a refusal, because the TLS error does not contain it.</summary>
internal sealed class GatewayTrust(bool isInsecure, string? fingerprint)
{
    /// <summary>Why the certificate was refused; null: it was not.</summary>
    public string? Refusal { get; private set; }

    /// <summary>What the user can do about the refusal; null: nothing is known.</summary>
    public string? Advice { get; private set; }

    /// <summary>The certificates that the gateway sent, its own first.</summary>
    public IReadOnlyList<CertificateFacts> Chain { get; private set; } = [];

    public bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is not X509Certificate2 own)
        {
            return Refuse("it sent no certificate.", null);
        }

        Chain = chain is { ChainElements.Count: > 0 } ? [.. chain.ChainElements.Select(static e => CertificateFacts.Of(e.Certificate))] : [CertificateFacts.Of(own)];
        if (isInsecure)
        {
            return true;
        }

        if (fingerprint is not null)
        {
            string actual = Convert.ToHexStringLower(SHA256.HashData(own.RawDataMemory.Span));
            return actual == fingerprint || Refuse($"its SHA-256 fingerprint is {actual}, not {fingerprint}.", "Compare it with the fingerprint of the gateway's certificate before you change --fingerprint.");
        }

        if (errors == SslPolicyErrors.None)
        {
            return true;
        }

        CertificateFacts facts = Chain[0];
        if (facts.NotAfter < TimeProvider.System.GetUtcNow())
        {
            return Refuse($"it expired on {facts.NotAfter:yyyy-MM-dd}.", "Renew it at the gateway.");
        }

        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors))
        {
            string status = chain?.ChainStatus.FirstOrDefault().StatusInformation.Trim() is { Length: > 0 } text ? $" ({text.TrimEnd('.')})" : "";
            return Refuse(
                $"its issuer '{facts.Issuer}' is not trusted{status}.",
                $"Give the authority with --cacert FILE, or pin this certificate with --fingerprint {facts.Sha256}.");
        }

        return Refuse($"it is for {(facts.Names.Count == 0 ? "no name" : string.Join(", ", facts.Names))}.", "Use one of its names, or give the expected name with --sni.");
    }

    private bool Refuse(string reason, string? advice)
    {
        Refusal = reason;
        Advice = advice;
        return false;
    }
}
