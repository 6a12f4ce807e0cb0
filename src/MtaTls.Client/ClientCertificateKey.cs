using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Client;

/// <summary>A client certificate that equals another by its octets: X509Certificate2 itself compares issuer and serial number only.</summary>
internal sealed class ClientCertificateKey(X509Certificate2 certificate) : IEquatable<ClientCertificateKey>
{
    public X509Certificate2 Certificate { get; } = certificate;

    public bool Equals(ClientCertificateKey? other) => other is not null && Certificate.RawDataMemory.Span.SequenceEqual(other.Certificate.RawDataMemory.Span);

    public override bool Equals(object? obj) => Equals(obj as ClientCertificateKey);

    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.AddBytes(Certificate.RawDataMemory.Span);
        return hash.ToHashCode();
    }
}
