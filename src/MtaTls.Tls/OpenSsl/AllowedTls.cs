using System.Security.Authentication;

namespace MtaTls.Tls.OpenSsl;

/// <summary>What a context may negotiate, in the words of OpenSSL.</summary>
/// <param name="Versions">The versions.</param>
/// <param name="Tls12CipherSuites">The cipher suites of TLS 1.2; null: none.</param>
/// <param name="Tls13CipherSuites">The cipher suites of TLS 1.3; null: those that the context has already.</param>
/// <param name="Groups">The groups for key exchange; null: none.</param>
/// <param name="Obstacle">Why nothing can be negotiated; null where something can.</param>
internal sealed record AllowedTls(SslProtocols Versions, string? Tls12CipherSuites, string? Tls13CipherSuites, string? Groups, string? Obstacle);
