using System.Security.Authentication;

namespace MtaTls.Tls.OpenSsl;

/// <summary>What a context can negotiate, in OpenSSL's names.</summary>
/// <param name="Versions">The versions.</param>
/// <param name="Tls12CipherSuites">The cipher suites of TLS 1.2; null for none.</param>
/// <param name="Tls13CipherSuites">The cipher suites of TLS 1.3; null for those that the context has already.</param>
/// <param name="Groups">The groups for key exchange; null for none.</param>
/// <param name="Obstacle">The reason why nothing can be negotiated; null when something can.</param>
internal sealed record AllowedTls(SslProtocols Versions, string? Tls12CipherSuites, string? Tls13CipherSuites, string? Groups, string? Obstacle);
