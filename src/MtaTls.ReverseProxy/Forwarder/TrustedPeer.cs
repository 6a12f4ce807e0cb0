using System.Net;
using System.Security.Cryptography.X509Certificates;
using MtaTls.AspNetCore.Routing;

namespace MtaTls.ReverseProxy.Forwarder;

/// <summary>A parsed <see cref="TrustedPeerOptions"/>.</summary>
internal sealed class TrustedPeer
{
    private readonly List<IPNetwork> _networks = [];
    private readonly ClientCertificateCondition? _certificate;

    public TrustedPeer(TrustedPeerOptions options, string key, List<string> errors)
    {
        for (int i = 0; i < options.Networks.Count; i++)
        {
            if (HostPattern.TryParseNetwork(options.Networks[i], out IPNetwork network))
            {
                _networks.Add(network);
            }
            else
            {
                errors.Add($"{key}:Networks:{i}: '{options.Networks[i]}' is neither an IP address nor a network that begins at the address given, such as 10.0.0.0/8.");
            }
        }

        if (options.ClientCertificate is { } certificate)
        {
            _certificate = new ClientCertificateCondition(certificate, $"{key}:ClientCertificate", errors);
        }

        if (options.Networks.Count == 0 && options.ClientCertificate is null)
        {
            errors.Add($"{key}: Networks or ClientCertificate is required.");
        }
    }

    public bool Matches(IPAddress address, X509Certificate2? certificate) =>
        (_networks.Count == 0 || _networks.Exists(n => n.Contains(address))) && (_certificate is null || _certificate.Matches(certificate));
}
