using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MtaTls.ReverseProxy.Forwarder;

/// <summary>Writes a distinguished name as OpenSSL and Envoy do (RFC 4514, only ASCII). Nothing in it can end a quoted value or a header.</summary>
internal static class SubjectText
{
    // The types of RFC 4514, section 3, and others that OpenSSL writes with a name.
    private static readonly Dictionary<string, string> s_types = new(StringComparer.Ordinal)
    {
        ["2.5.4.3"] = "CN",
        ["2.5.4.5"] = "serialNumber",
        ["2.5.4.6"] = "C",
        ["2.5.4.7"] = "L",
        ["2.5.4.8"] = "ST",
        ["2.5.4.9"] = "street",
        ["2.5.4.10"] = "O",
        ["2.5.4.11"] = "OU",
        ["0.9.2342.19200300.100.1.1"] = "UID",
        ["0.9.2342.19200300.100.1.25"] = "DC",
        ["1.2.840.113549.1.9.1"] = "emailAddress",
    };

    /// <summary>The text. It is empty if a part has several attributes or can't be read, because an incomplete name could be that of another subject.</summary>
    public static string Of(X500DistinguishedName name)
    {
        StringBuilder text = new();
        try
        {
            foreach (X500RelativeDistinguishedName part in name.EnumerateRelativeDistinguishedNames(reversed: true))
            {
                if (part.HasMultipleElements)
                {
                    return "";
                }

                string type = part.GetSingleElementType().Value!;
                text.Append(text.Length == 0 ? "" : ",").Append(s_types.GetValueOrDefault(type, type)).Append('=');
                Append(text, part.GetSingleElementValue() ?? "");
            }
        }
        catch (Exception e) when (e is CryptographicException or InvalidOperationException)
        {
            return "";
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, string value)
    {
        byte[] octets = Encoding.UTF8.GetBytes(value);
        for (int i = 0; i < octets.Length; i++)
        {
            char c = (char)octets[i];
            bool isSpecial = c is ',' or '+' or '"' or '\\' or '<' or '>' or ';' || (c == '#' && i == 0) || (c == ' ' && (i == 0 || i == octets.Length - 1));
            if (c is < ' ' or > '~')
            {
                text.Append(CultureInfo.InvariantCulture, $"\\{octets[i]:X2}");
            }
            else
            {
                text.Append(isSpecial ? "\\" : "").Append(c);
            }
        }
    }
}
