using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>Which clients may use the concentrator: tokens, allowed and denied identities, revoked certificates. Never changes: another one takes its place.</summary>
internal sealed class AccessPolicy
{
    private readonly HashSet<string>? _allowed;
    private readonly HashSet<string> _denied;
    private readonly HashSet<string>? _tokenNames;
    private readonly RevocationList? _revoked;

    /// <exception cref="CryptographicException">The revocation list is none.</exception>
    /// <exception cref="IOException">The revocation list cannot be read.</exception>
    public AccessPolicy(TunnelAuthenticationOptions options)
    {
        Tokens = new TokenTable(options.Tokens);
        _tokenNames = options.Mode == TunnelAuthenticationMode.Token ? options.Tokens.Keys.ToHashSet(StringComparer.Ordinal) : null;
        _allowed = options.AllowedIdentities.Count > 0 ? options.AllowedIdentities.ToHashSet(StringComparer.Ordinal) : null;
        _denied = options.DeniedIdentities.ToHashSet(StringComparer.Ordinal);
        _revoked = string.IsNullOrEmpty(options.RevocationListPath) ? null : RevocationList.Load(options.RevocationListPath);
    }

    public TokenTable Tokens { get; }

    /// <summary>When the revocation list should have been replaced; null where there is none.</summary>
    public DateTimeOffset? RevocationListDue => _revoked?.NextUpdate;

    /// <summary>Whether an identity may have sessions. Anonymous clients have none.</summary>
    public bool Admits(string? identity) =>
        identity is null || (!_denied.Contains(identity) && _allowed?.Contains(identity) != false && _tokenNames?.Contains(identity) != false);

    /// <summary>Whether a client's certificate still counts.</summary>
    public bool Admits(X509Certificate2? certificate) => certificate is null || _revoked?.IsRevoked(certificate) != true;
}
