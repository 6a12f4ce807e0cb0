using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>
/// Certificate revocation lists (RFC 5280, section 5) of one file, PEM or DER: which certificates of which issuers are revoked. The file is the administrator's and is trusted as the
/// configuration is: signatures are not verified.
/// </summary>
internal sealed class RevocationList
{
    private readonly HashSet<string> _revoked = new(StringComparer.Ordinal);

    private RevocationList()
    {
    }

    /// <summary>When the first of the lists is due to be replaced; null where none says so.</summary>
    public DateTimeOffset? NextUpdate { get; private set; }

    /// <exception cref="CryptographicException">The file holds no revocation list.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static RevocationList Load(string path)
    {
        byte[] content = File.ReadAllBytes(path);
        var list = new RevocationList();
        try
        {
            if (content is [0x30, ..])
            {
                list.Read(content);
                return list;
            }

            ReadOnlySpan<char> text = System.Text.Encoding.ASCII.GetString(content);
            int found = 0;
            while (PemEncoding.TryFind(text, out PemFields fields))
            {
                if (text[fields.Label] is "X509 CRL")
                {
                    byte[] der = new byte[fields.DecodedDataLength];
                    _ = Convert.TryFromBase64Chars(text[fields.Base64Data], der, out _);
                    list.Read(der);
                    found++;
                }

                text = text[fields.Location.End..];
            }

            return found > 0 ? list : throw new CryptographicException("There is no X509 CRL in it.");
        }
        catch (AsnContentException failure)
        {
            throw new CryptographicException(failure.Message, failure);
        }
    }

    public bool IsRevoked(X509Certificate2 certificate) => _revoked.Contains(KeyOf(certificate.IssuerName.RawData, certificate.SerialNumberBytes.Span));

    private static string KeyOf(ReadOnlySpan<byte> issuer, ReadOnlySpan<byte> serial)
    {
        while (serial.Length > 1 && serial[0] == 0)
        {
            serial = serial[1..];
        }

        return $"{Convert.ToHexString(issuer)}/{Convert.ToHexString(serial)}";
    }

    private void Read(byte[] der)
    {
        AsnReader list = new AsnReader(der, AsnEncodingRules.DER).ReadSequence().ReadSequence();
        if (list.PeekTag() == Asn1Tag.Integer)
        {
            list.ReadInteger();
        }

        list.ReadSequence();
        ReadOnlyMemory<byte> issuer = list.ReadEncodedValue();
        ReadTime(list);
        if (list.HasData && IsTime(list.PeekTag()))
        {
            DateTimeOffset next = ReadTime(list);
            NextUpdate = NextUpdate is { } earlier && earlier < next ? earlier : next;
        }

        if (!list.HasData || list.PeekTag() != Asn1Tag.Sequence)
        {
            return;
        }

        AsnReader entries = list.ReadSequence();
        while (entries.HasData)
        {
            _revoked.Add(KeyOf(issuer.Span, entries.ReadSequence().ReadIntegerBytes().Span));
        }
    }

    private static bool IsTime(Asn1Tag tag) => tag == Asn1Tag.UtcTime || tag == Asn1Tag.GeneralizedTime;

    private static DateTimeOffset ReadTime(AsnReader reader) => reader.PeekTag() == Asn1Tag.UtcTime ? reader.ReadUtcTime() : reader.ReadGeneralizedTime();
}
