namespace MtaTls.AspNetCore.Certificates;

/// <summary>A certificate that stays: one of a store, or a generated one.</summary>
internal sealed class FixedCertificate(ServerCertificate certificate) : ICertificateSource
{
    public ServerCertificate Current => certificate;
}
