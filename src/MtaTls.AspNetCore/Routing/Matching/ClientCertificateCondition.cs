using System.Security.Cryptography.X509Certificates;

namespace MtaTls.AspNetCore.Routing;

/// <summary>A condition on a client certificate, read from <see cref="ClientCertificateConditionOptions"/>.</summary>
internal sealed class ClientCertificateCondition
{
    private const int Sha1Digits = 40;
    private const int Sha256Digits = 64;

    private readonly List<string> _thumbprints = [];
    private readonly List<SubjectAlternativeName> _names = [];
    private readonly DistinguishedName? _subject;
    private readonly DistinguishedName? _issuer;

    public ClientCertificateCondition(ClientCertificateConditionOptions options, string key, List<string> errors)
    {
        for (int i = 0; i < options.Thumbprints.Count; i++)
        {
            string digits = (options.Thumbprints[i] ?? "").Replace(":", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal).ToUpperInvariant();
            if (digits.Length is Sha1Digits or Sha256Digits && digits.All(char.IsAsciiHexDigit))
            {
                _thumbprints.Add(digits);
            }
            else
            {
                errors.Add($"{key}:Thumbprints:{i}: '{options.Thumbprints[i]}' is neither 64 (SHA-256) nor 40 (SHA-1) hexadecimal digits.");
            }
        }

        for (int i = 0; i < options.SubjectAlternativeNames.Count; i++)
        {
            if (SubjectAlternativeName.TryParse(options.SubjectAlternativeNames[i], out SubjectAlternativeName name))
            {
                _names.Add(name);
            }
            else
            {
                errors.Add($"{key}:SubjectAlternativeNames:{i}: '{options.SubjectAlternativeNames[i]}' is neither a DNS name nor 'dns:', 'ip:', 'email:' or 'uri:' with a valid name of that kind.");
            }
        }

        if (options.Subject is not null && !DistinguishedName.TryParse(options.Subject, out _subject))
        {
            errors.Add($"{key}:Subject: '{options.Subject}' is not a distinguished name such as 'CN=client, O=Example'.");
        }

        if (options.Issuer is not null && !DistinguishedName.TryParse(options.Issuer, out _issuer))
        {
            errors.Add($"{key}:Issuer: '{options.Issuer}' is not a distinguished name such as 'CN=Example CA, O=Example'.");
        }

        if (options.Subject is not null && options.Issuer is null)
        {
            errors.Add($"{key}:Issuer: must be set together with Subject, because a subject is unique only among the certificates of one issuer.");
        }

        if (options.Thumbprints.Count == 0 && options.SubjectAlternativeNames.Count == 0 && options.Subject is null && options.Issuer is null)
        {
            errors.Add($"{key}: is empty. Set Thumbprints, SubjectAlternativeNames, Issuer, or Subject with Issuer.");
        }
    }

    public bool Matches(X509Certificate2? certificate)
    {
        if (certificate is null)
        {
            return false;
        }

        var identity = CertificateIdentity.Of(certificate);
        return (_thumbprints.Count == 0 || _thumbprints.Contains(identity.Sha256) || _thumbprints.Contains(identity.Sha1))
            && (_names.Count == 0 || _names.Exists(identity.SubjectAlternativeNames.Contains))
            && (_subject is null || _subject.Equals(identity.Subject))
            && (_issuer is null || _issuer.Equals(identity.Issuer));
    }
}
