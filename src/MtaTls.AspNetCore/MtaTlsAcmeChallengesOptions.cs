namespace MtaTls.AspNetCore;

/// <summary>
/// Answers http-01 challenges of ACME (RFC 8555, section 8.3) from files that an ACME client writes (<c>MtaTls:AcmeChallenges</c>), so that the ACME client needs no port of its own. The server also
/// notices the certificate that the client writes then, and uses it without a restart.
/// </summary>
public sealed class MtaTlsAcmeChallengesOptions
{
    /// <summary>
    /// The folder that is the webroot of the ACME client, which writes <c>.well-known/acme-challenge/TOKEN</c> below it. It must exist. Requests for other paths, and for tokens without a file, go to the
    /// application. Changes of the configuration apply to the next request. Default: null, the application gets all requests.
    /// </summary>
    public string? Path { get; set; }
}
