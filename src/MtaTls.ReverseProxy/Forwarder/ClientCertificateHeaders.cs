using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MtaTls.AspNetCore.Routing;

namespace MtaTls.ReverseProxy.Forwarder;

/// <summary>The headers for one client certificate.</summary>
internal sealed class ClientCertificateHeaders
{
    public const string ClientCert = "Client-Cert";
    public const string ClientCertChain = "Client-Cert-Chain";
    public const string XForwardedClientCert = "X-Forwarded-Client-Cert";

    private readonly List<(string Name, string Value)> _values = [];

    public ClientCertificateHeaders(MtaTlsClientCertificateHeadersOptions options, X509Certificate2 certificate, IReadOnlyList<X509Certificate2> chain)
    {
        Options = options;
        if (options.ClientCert)
        {
            Add(ClientCert, ByteSequence(certificate));
        }

        if (options.ClientCertChain && chain.Count > 0)
        {
            Add(ClientCertChain, string.Join(", ", chain.Select(ByteSequence)));
        }

        if (options.XForwardedClientCert != ForwardedClientCertificateParts.None)
        {
            Add(XForwardedClientCert, Element(options.XForwardedClientCert, certificate, chain));
        }
    }

    public MtaTlsClientCertificateHeadersOptions Options { get; }

    /// <summary>The name of a header that would be longer than the limit; null if there is none.</summary>
    public string? TooLong { get; private set; }

    public IReadOnlyList<(string Name, string Value)> Values => _values;

    private void Add(string name, string value)
    {
        if (value.Length > Options.MaxHeaderLength)
        {
            TooLong = name;
        }
        else if (value.Length > 0)
        {
            _values.Add((name, value));
        }
    }

    /// <summary>A byte sequence of structured fields (RFC 8941, section 3.3.5).</summary>
    private static string ByteSequence(X509Certificate2 certificate) => $":{Convert.ToBase64String(certificate.RawData)}:";

    /// <summary>One element of Envoy's header: key=value, separated by semicolons, in the order in which Envoy writes them.</summary>
    private static string Element(ForwardedClientCertificateParts parts, X509Certificate2 certificate, IReadOnlyList<X509Certificate2> chain)
    {
        List<string> pairs = [];
        if (parts.HasFlag(ForwardedClientCertificateParts.Hash))
        {
            pairs.Add($"Hash={Convert.ToHexStringLower(certificate.GetCertHash(HashAlgorithmName.SHA256))}");
        }

        if (parts.HasFlag(ForwardedClientCertificateParts.Cert))
        {
            pairs.Add($"Cert=\"{Pem([certificate])}\"");
        }

        if (parts.HasFlag(ForwardedClientCertificateParts.Chain))
        {
            pairs.Add($"Chain=\"{Pem([certificate, .. chain])}\"");
        }

        if (parts.HasFlag(ForwardedClientCertificateParts.Subject))
        {
            pairs.Add($"Subject=\"{SubjectText.Of(certificate.SubjectName)}\"");
        }

        if (parts.HasFlag(ForwardedClientCertificateParts.Uri))
        {
            AddNames(pairs, "URI", SubjectAlternativeNameKind.Uri, certificate);
        }

        if (parts.HasFlag(ForwardedClientCertificateParts.Dns))
        {
            AddNames(pairs, "DNS", SubjectAlternativeNameKind.Dns, certificate);
        }

        return string.Join(';', pairs);
    }

    private static string Pem(IEnumerable<X509Certificate2> certificates)
        => Uri.EscapeDataString(new StringBuilder().AppendJoin("", certificates.Select(static c => c.ExportCertificatePem() + "\n")).ToString());

    private static void AddNames(List<string> pairs, string key, SubjectAlternativeNameKind kind, X509Certificate2 certificate)
    {
        foreach (SubjectAlternativeName name in CertificateIdentity.Of(certificate).SubjectAlternativeNames)
        {
            // A certificate can contain any characters. Those that no URI or DNS name has could end the value or the header.
            if (name.Kind == kind && name.Value.Length > 0 && !name.Value.AsSpan().ContainsAnyExceptInRange('!', '~') && !name.Value.AsSpan().ContainsAny('"', '\\'))
            {
                pairs.Add(name.Value.AsSpan().ContainsAny(',', ';', '=') ? $"{key}=\"{name.Value}\"" : $"{key}={name.Value}");
            }
        }
    }
}
