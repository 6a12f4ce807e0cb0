using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Tls.Certificates;

/// <summary>Validates a peer's certificate as SslStream does: .NET's X509Chain, the name, then the application's own callback.</summary>
internal sealed class CertificateValidator
{
    private static readonly Oid s_serverAuthentication = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid s_clientAuthentication = new("1.3.6.1.5.5.7.3.2");

    private readonly X509ChainPolicy? _policy;
    private readonly X509RevocationMode _revocation;
    private readonly Oid _purpose;
    private readonly string? _host;

    private CertificateValidator(X509ChainPolicy? policy, X509RevocationMode revocation, Oid purpose, string? host)
    {
        _policy = policy?.Clone();
        _revocation = revocation;
        _purpose = purpose;
        _host = host;

        // As SslStream does, only a client downloads intermediates that the peer did not send. At a server, the client's certificate would choose what the server downloads.
        MayDownload = (policy?.RevocationMode ?? revocation) == X509RevocationMode.Online || !(policy?.DisableCertificateDownloads ?? host is null);
    }

    /// <summary>Whether the validation can wait for a download of a revocation list or an intermediate.</summary>
    public bool MayDownload { get; }

    /// <summary>Creates a validator for the certificates of clients. It checks no name.</summary>
    public static CertificateValidator OfClients(X509ChainPolicy? policy, X509RevocationMode revocation) => new(policy, revocation, s_clientAuthentication, null);

    /// <summary>Creates a validator for the certificates of servers. The certificate must be valid for the host.</summary>
    public static CertificateValidator OfServers(X509ChainPolicy? policy, X509RevocationMode revocation, string host) => new(policy, revocation, s_serverAuthentication, host);

    /// <summary>Validates a peer's certificate.</summary>
    /// <param name="peer">The peer's certificates.</param>
    /// <param name="accept">The application's callback; when it is null, every policy error is refused.</param>
    public CertificateValidationResult Validate(PeerCertificates peer, Func<X509Certificate2, X509Chain, SslPolicyErrors, bool>? accept)
    {
        using var chain = new X509Chain();
        if (_policy is not null)
        {
            chain.ChainPolicy = _policy.Clone();
        }
        else
        {
            chain.ChainPolicy.RevocationMode = _revocation;
            chain.ChainPolicy.RevocationFlag = X509RevocationFlag.ExcludeRoot;
            chain.ChainPolicy.DisableCertificateDownloads = _host is null;
        }

        if (chain.ChainPolicy.ApplicationPolicy.Count == 0)
        {
            chain.ChainPolicy.ApplicationPolicy.Add(_purpose);
        }

        chain.ChainPolicy.ExtraStore.AddRange(peer.Others);
        try
        {
            SslPolicyErrors errors = chain.Build(peer.Certificate) ? SslPolicyErrors.None : SslPolicyErrors.RemoteCertificateChainErrors;
            if (_host is not null && !IsFor(peer.Certificate, _host))
            {
                errors |= SslPolicyErrors.RemoteCertificateNameMismatch;
            }

            return (accept is null ? errors == SslPolicyErrors.None : accept(peer.Certificate, chain, errors))
                ? CertificateValidationResult.Accepted
                : Refuse(chain, errors, accept is not null);
        }
        finally
        {
            foreach (X509ChainElement element in chain.ChainElements)
            {
                // The chain's elements are copies; the peer's certificate is another object.
                element.Certificate.Dispose();
            }
        }
    }

    private static bool IsFor(X509Certificate2 certificate, string host)
    {
        try
        {
            return host.Length > 0 && certificate.MatchesHostname(host);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            // An invalid host name, or a certificate whose names cannot be read, does not match.
            return false;
        }
    }

    private static CertificateValidationResult Refuse(X509Chain chain, SslPolicyErrors errors, bool byCallback)
    {
        X509ChainStatusFlags status = X509ChainStatusFlags.NoError;
        foreach (X509ChainStatus one in chain.ChainStatus)
        {
            status |= one.Status;
        }

        string by = byCallback ? "The validation callback refused the peer's certificate" : "The peer's certificate is not valid";
        return errors == SslPolicyErrors.None
            ? CertificateValidationResult.Refused(X509ChainStatusFlags.NoError, $"{by}.")
            : CertificateValidationResult.Refused(status, $"{by}: {errors}{(status == X509ChainStatusFlags.NoError ? "" : $" ({status})")}.");
    }
}
