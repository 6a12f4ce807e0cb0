using System.Security.Claims;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Identifies the agent that has registered, by its certificate and its user. Only an agent with the same identity may replace, change or end a registration.</summary>
internal readonly record struct AgentIdentity(string Certificate, string User)
{
    public bool IsAnonymous => Certificate.Length == 0 && User.Length == 0;

    public static AgentIdentity Of(X509Certificate2? certificate, ClaimsPrincipal user) => new(
        // Issuer, subject and names, not the thumbprint: an agent keeps its identity when its certificate is renewed.
        certificate is null ? "" : $"{certificate.Issuer}|{certificate.Subject}|{Convert.ToHexString(SHA256.HashData(SubjectAlternativeNames(certificate)))}",
        user.Identity is { IsAuthenticated: true } identity ? $"{identity.AuthenticationType}|{user.FindFirstValue(ClaimTypes.NameIdentifier) ?? identity.Name}" : "");

    public override string ToString() => (Certificate.Length, User.Length) switch
    {
        (0, 0) => "anonymous",
        (0, _) => User,
        _ => Certificate[..Certificate.LastIndexOf('|')],
    };

    private static byte[] SubjectAlternativeNames(X509Certificate2 certificate) => certificate.Extensions["2.5.29.17"]?.RawData ?? [];
}
