using System.Net;

namespace MtaTls.AspNetCore.Routing;

internal enum SubjectAlternativeNameKind
{
    Dns,
    Ip,
    Email,
    Uri,
}

/// <summary>One name of a certificate's subjectAltName extension, normalized so that equal names are equal strings.</summary>
internal readonly record struct SubjectAlternativeName(SubjectAlternativeNameKind Kind, string Value)
{
    public static SubjectAlternativeName Dns(string name) => new(SubjectAlternativeNameKind.Dns, name.ToLowerInvariant());

    public static SubjectAlternativeName Ip(IPAddress address) => new(SubjectAlternativeNameKind.Ip, ChannelHost.Normalize(address).ToString());

    /// <summary>Reads <c>dns:name</c>, <c>ip:address</c>, <c>email:address</c>, <c>uri:uri</c>, or a DNS name.</summary>
    public static bool TryParse(string? text, out SubjectAlternativeName name)
    {
        name = default;
        if (string.IsNullOrEmpty(text))
        {
            return false;
        }

        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string value = text[(colon + 1)..];
        switch (colon < 0 ? "dns" : text[..colon].ToLowerInvariant())
        {
            case "dns" when ChannelHost.TryParse(value, out ChannelHost host) && host.Name is not null && !value.EndsWith('.'):
                name = Dns(value);
                return true;
            case "ip" when ChannelHost.TryParse(value, out ChannelHost host) && host.Address is { } address:
                name = Ip(address);
                return true;
            case "email" when value.Contains('@', StringComparison.Ordinal):
                name = new SubjectAlternativeName(SubjectAlternativeNameKind.Email, value);
                return true;
            case "uri" when Uri.TryCreate(value, UriKind.Absolute, out _):
                name = new SubjectAlternativeName(SubjectAlternativeNameKind.Uri, value);
                return true;
            default:
                return false;
        }
    }
}
