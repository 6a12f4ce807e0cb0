using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Client;

/// <summary>A client certificate that equals another by its octets: X509Certificate2 itself compares issuer and serial number only.</summary>
/// <remarks>It holds a certificate of its own: settings outlive the application's object, and are shared with others who have the same certificate.</remarks>
internal sealed class ClientCertificateKey(X509Certificate2 certificate) : IEquatable<ClientCertificateKey>
{
    private readonly byte[] _octets = certificate.RawData;

    public X509Certificate2 Certificate { get; } = new(certificate);

    public bool Equals(ClientCertificateKey? other) => other is not null && _octets.AsSpan().SequenceEqual(other._octets);

    public override bool Equals(object? obj) => Equals(obj as ClientCertificateKey);

    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.AddBytes(_octets);
        return hash.ToHashCode();
    }
}
