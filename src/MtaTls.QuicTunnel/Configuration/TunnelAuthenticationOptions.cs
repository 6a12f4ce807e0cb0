namespace MtaTls.QuicTunnel;

/// <summary>How clients show who they are.</summary>
public sealed class TunnelAuthenticationOptions
{
    /// <summary>Default <see cref="TunnelAuthenticationMode.ClientCertificate"/>.</summary>
    public TunnelAuthenticationMode Mode { get; set; } = TunnelAuthenticationMode.ClientCertificate;

    /// <summary>A PEM file with the authorities that client certificates must come from. Required with <see cref="TunnelAuthenticationMode.ClientCertificate"/>. Default none.</summary>
    public string? AuthorityPath { get; set; }

    /// <summary>
    /// The identities that may use the concentrator; all others are refused, and their sessions end. May change while the application runs. Default empty: every identity.
    /// </summary>
    public IList<string> AllowedIdentities { get; } = [];

    /// <summary>The identities that may not use the concentrator, whatever else is true; their sessions end. May change while the application runs. Default empty.</summary>
    public IList<string> DeniedIdentities { get; } = [];

    /// <summary>
    /// A file with certificate revocation lists, PEM or DER, of the authorities of <see cref="AuthorityPath"/>. Read again when it has changed; connections whose certificate is on it are then closed.
    /// The file is trusted: its signature is not verified. Default none.
    /// </summary>
    public string? RevocationListPath { get; set; }

    /// <summary>With <see cref="TunnelAuthenticationMode.Token"/>: identity to token, 16 to 255 octets of UTF-8 each. At least one. Default empty.</summary>
    public IDictionary<string, string> Tokens { get; } = new Dictionary<string, string>(StringComparer.Ordinal);
}
