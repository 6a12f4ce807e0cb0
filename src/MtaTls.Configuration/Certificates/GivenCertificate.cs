using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Configuration;

/// <summary>
/// A certificate that the application gave. It equals another by its bytes and those of its intermediates, where X509Certificate2 compares issuer and serial number only. It is a
/// copy: settings outlive the application's object, and are shared with others who have the same certificate.
/// </summary>
internal sealed class GivenCertificate(X509Certificate2 certificate, X509Certificate2Collection intermediates) : IEquatable<GivenCertificate>
{
    private readonly byte[] _bytes = [.. certificate.RawData, .. intermediates.SelectMany(static c => c.RawData)];

    public X509Certificate2 Certificate { get; } = new(certificate);

    public X509Certificate2Collection Intermediates { get; } = [.. intermediates];

    public bool Equals(GivenCertificate? other) => other is not null && _bytes.AsSpan().SequenceEqual(other._bytes);

    public override bool Equals(object? obj) => Equals(obj as GivenCertificate);

    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.AddBytes(_bytes);
        return hash.ToHashCode();
    }
}
