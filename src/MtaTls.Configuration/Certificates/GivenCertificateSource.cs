namespace MtaTls.Configuration;

/// <summary>A certificate object of the application. It does not change.</summary>
internal sealed class GivenCertificateSource : CertificateSource
{
    /// <exception cref="CertificateException">The certificate has no private key.</exception>
    public GivenCertificateSource(CertificateDescription description)
        : base(description)
    {
        Current = new LoadedCertificate(description.Given!.Certificate, description.Given.Intermediates);
        if (!Current.Certificate.HasPrivateKey)
        {
            throw new CertificateException("", $"The certificate '{Current.Certificate.Subject}' has no private key.");
        }
    }

    public override LoadedCertificate Current { get; }
}
