using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Configuration;

/// <summary>
/// A certificate object of the application. It is compared by its bytes and those of its intermediates; X509Certificate2 compares only issuer and serial number. It is a
/// copy, because the application can dispose its object earlier, and because equal certificates share their settings.
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
