using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>
/// The certificate revocation lists (RFC 5280, section 5) of one file, PEM or DER: the revoked certificates of each issuer. The administrator provides the file, so it is trusted like the
/// configuration: signatures are not verified.
/// </summary>
internal sealed class RevocationList
{
    private readonly HashSet<string> _revoked = new(StringComparer.Ordinal);

    private RevocationList()
    {
    }

    /// <summary>The earliest next update of the lists; null if no list has one.</summary>
    public DateTimeOffset? NextUpdate { get; private set; }

    /// <exception cref="CryptographicException">The file is not a revocation list.</exception>
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

            return found > 0 ? list : throw new CryptographicException("The file has no PEM block 'X509 CRL'.");
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
