using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>The rules about which clients may use the concentrator: tokens, allowed and denied identities, revoked certificates. Immutable: changed settings create a new policy.</summary>
internal sealed class AccessPolicy
{
    private readonly HashSet<string>? _allowed;
    private readonly HashSet<string> _denied;
    private readonly HashSet<string>? _tokenNames;
    private readonly RevocationList? _revoked;

    /// <exception cref="CryptographicException">The file is not a revocation list.</exception>
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

    /// <summary>When the next revocation list is due; null without a list, or if the list does not say it.</summary>
    public DateTimeOffset? RevocationListDue => _revoked?.NextUpdate;

    /// <summary>Whether an identity may have sessions. Null stands for an anonymous client, which may.</summary>
    public bool Admits(string? identity) =>
        identity is null || (!_denied.Contains(identity) && _allowed?.Contains(identity) != false && _tokenNames?.Contains(identity) != false);

    /// <summary>Whether a client's certificate is not revoked.</summary>
    public bool Admits(X509Certificate2? certificate) => certificate is null || _revoked?.IsRevoked(certificate) != true;
}
