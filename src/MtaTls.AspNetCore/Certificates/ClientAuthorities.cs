using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Configuration;
using MtaTls.Configuration;

namespace MtaTls.AspNetCore.Certificates;

/// <summary>
/// The authorities that <c>MtaTls:Endpoints</c> names for the client certificates of an endpoint. When the file changes, or the configuration names another file, the next
/// handshake uses the new authorities. If they cannot be read, or the setting is removed, the former ones stay in use: the machine's authorities never replace them.
/// </summary>
internal sealed class ClientAuthorities(string endpoint, string key, AuthoritySource source, EndpointCertificates certificates, CurrentSettings settings, ILogger logger)
    : EndpointFile<AuthoritySource>(endpoint, key, source, certificates, settings, logger)
{
    private static readonly Oid s_clientAuthentication = new("1.3.6.1.5.5.7.3.2");

    /// <summary>The authorities as they are now. The same object is returned until they change.</summary>
    public X509Certificate2Collection Current => Source.Current;

    /// <summary>Creates the policy that client certificates are checked with: their chains must end at one of these authorities.</summary>
    /// <param name="authorities">The authorities.</param>
    /// <param name="checkRevocation">Whether revocation is checked online.</param>
    public static X509ChainPolicy Policy(X509Certificate2Collection authorities, bool checkRevocation)
    {
        X509ChainPolicy policy = new()
        {
            RevocationMode = checkRevocation ? X509RevocationMode.Online : X509RevocationMode.NoCheck,
            RevocationFlag = X509RevocationFlag.ExcludeRoot,
            // Otherwise a client's certificate could name URLs that the server then downloads.
            DisableCertificateDownloads = true,
        };
        policy.ApplicationPolicy.Add(s_clientAuthentication);
        AuthoritySource.Apply(authorities, policy);
        return policy;
    }

    protected override AuthoritySource? Read(MtaTlsEndpointOptions endpoint, AuthoritySource present, ErrorList errors)
    {
        AuthoritySource? source = Certificates.CreateAuthorities(Key, endpoint.ClientCertificateAuthorityPath, errors);
        return present.Equals(source) ? present : source;
    }

    protected override void Report(AuthoritySource source) => Logger.AuthoritiesReloaded(Key, source.Current.Count);
}
