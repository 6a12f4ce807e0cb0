using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Tls.Certificates;

/// <summary>Whether a peer's certificate is accepted.</summary>
/// <param name="VerifyError">0 (X509_V_OK), or the X509_V_ERR code that makes OpenSSL send the right alert.</param>
/// <param name="Reason">The reason of a refusal; null when the certificate was accepted. Contains no text that the peer chose.</param>
internal readonly record struct CertificateValidationResult(int VerifyError, string? Reason)
{
    // X509_V_ERR codes. OpenSSL turns them into these alerts: certificate_expired, unknown_ca, certificate_revoked, unsupported_certificate, bad_certificate.
    private const int Expired = 10;
    private const int UnknownIssuer = 20;
    private const int Revoked = 23;
    private const int InvalidPurpose = 26;
    private const int Rejected = 28;

    public static CertificateValidationResult Accepted => default;

    public bool IsAccepted => VerifyError == 0;

    public static CertificateValidationResult Refused(X509ChainStatusFlags status, string reason)
    {
        int error = status switch
        {
            _ when status.HasFlag(X509ChainStatusFlags.Revoked) => Revoked,
            _ when (status & (X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.Cyclic)) != 0 => UnknownIssuer,
            _ when (status & (X509ChainStatusFlags.NotTimeValid | X509ChainStatusFlags.CtlNotTimeValid)) != 0 => Expired,
            _ when status.HasFlag(X509ChainStatusFlags.NotValidForUsage) => InvalidPurpose,
            _ => Rejected,
        };
        return new CertificateValidationResult(error, reason);
    }
}
