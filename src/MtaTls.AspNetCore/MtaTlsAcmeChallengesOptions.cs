namespace MtaTls.AspNetCore;

/// <summary>
/// Answers to http-01 challenges of ACME (RFC 8555, section 8.3) from files that an ACME client writes (<c>MtaTls:AcmeChallenges</c>), so that it needs no port of its own. The certificate that it then
/// writes is read again by itself.
/// </summary>
public sealed class MtaTlsAcmeChallengesOptions
{
    /// <summary>
    /// The folder that the ACME client calls its webroot: it writes <c>.well-known/acme-challenge/TOKEN</c> below. It must exist. Requests for other paths, and for tokens without a file, go to the
    /// application. Changes of the configuration apply to the next request. Default: null, the application gets all requests.
    /// </summary>
    public string? Path { get; set; }
}
