using System.Formats.Asn1;
using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.AspNetCore.Routing;

/// <summary>The parts of a client certificate that routes compare. They are read once for each certificate.</summary>
internal sealed class CertificateIdentity
{
    private const string SubjectAlternativeNameOid = "2.5.29.17";
    private static readonly ConditionalWeakTable<X509Certificate2, CertificateIdentity> s_known = [];

    private CertificateIdentity(X509Certificate2 certificate)
    {
        Sha1 = certificate.GetCertHashString(HashAlgorithmName.SHA1);
        Sha256 = certificate.GetCertHashString(HashAlgorithmName.SHA256);
        Subject = DistinguishedName.Read(certificate.SubjectName);
        Issuer = DistinguishedName.Read(certificate.IssuerName);
        SubjectAlternativeNames = ReadSubjectAlternativeNames(certificate);
    }

    public string Sha1 { get; }

    public string Sha256 { get; }

    /// <summary>Null if the name cannot be compared part by part, because a part has several attributes. Such a name matches no condition.</summary>
    public DistinguishedName? Subject { get; }

    public DistinguishedName? Issuer { get; }

    public IReadOnlySet<SubjectAlternativeName> SubjectAlternativeNames { get; }

    public static CertificateIdentity Of(X509Certificate2 certificate) => s_known.GetValue(certificate, static c => new CertificateIdentity(c));

    private static HashSet<SubjectAlternativeName> ReadSubjectAlternativeNames(X509Certificate2 certificate)
    {
        var names = new HashSet<SubjectAlternativeName>();
        foreach (X509Extension extension in certificate.Extensions)
        {
            if (extension.Oid?.Value != SubjectAlternativeNameOid)
            {
                continue;
            }

            try
            {
                Read(new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence(), names);
            }
            catch (Exception e) when (e is AsnContentException or ArgumentException)
            {
                // If any part of the extension is invalid, none of its names count.
                names.Clear();
                break;
            }
        }

        return names;
    }

    /// <summary>GeneralNames of RFC 5280, section 4.2.1.6.</summary>
    private static void Read(AsnReader reader, HashSet<SubjectAlternativeName> names)
    {
        while (reader.HasData)
        {
            Asn1Tag tag = reader.PeekTag();
            switch (tag.TagValue)
            {
                case 1:
                    names.Add(new SubjectAlternativeName(SubjectAlternativeNameKind.Email, reader.ReadCharacterString(UniversalTagNumber.IA5String, tag)));
                    break;
                case 2:
                    names.Add(SubjectAlternativeName.Dns(reader.ReadCharacterString(UniversalTagNumber.IA5String, tag)));
                    break;
                case 6:
                    names.Add(new SubjectAlternativeName(SubjectAlternativeNameKind.Uri, reader.ReadCharacterString(UniversalTagNumber.IA5String, tag)));
                    break;
                case 7:
                    names.Add(SubjectAlternativeName.Ip(new IPAddress(reader.ReadOctetString(tag))));
                    break;
                default:
                    reader.ReadEncodedValue();
                    break;
            }
        }
    }
}
