namespace MtaTls.QuicTunnel;

/// <summary>How clients authenticate, and which identities may use the concentrator.</summary>
public sealed class TunnelAuthenticationOptions
{
    /// <summary>The authentication mode.</summary>
    /// <value>Default: <see cref="TunnelAuthenticationMode.ClientCertificate"/>.</value>
    public TunnelAuthenticationMode Mode { get; set; } = TunnelAuthenticationMode.ClientCertificate;

    /// <summary>A PEM file with the authorities that issue client certificates. A changed file is read again. A path from configuration is relative to the content root.</summary>
    /// <value>Default: null. Required with <see cref="TunnelAuthenticationMode.ClientCertificate"/>.</value>
    public string? AuthorityPath { get; set; }

    /// <summary>The identities that may use the concentrator. All others are refused, and their sessions end. May change while the application runs.</summary>
    /// <value>Default: empty, every identity.</value>
    public IList<string> AllowedIdentities { get; } = [];

    /// <summary>The identities that may not use the concentrator, even if <see cref="AllowedIdentities"/> lists them. Their sessions end. May change while the application runs.</summary>
    /// <value>Default: empty.</value>
    public IList<string> DeniedIdentities { get; } = [];

    /// <summary>
    /// A file with certificate revocation lists of the authorities in <see cref="AuthorityPath"/>, PEM or DER. A changed file is read again, and connections with a revoked certificate are closed.
    /// The file is trusted: its signature is not verified. A path from configuration is relative to the content root.
    /// </summary>
    /// <value>Default: null, no revocation list.</value>
    public string? RevocationListPath { get; set; }

    /// <summary>With <see cref="TunnelAuthenticationMode.Token"/>: identities with their tokens. A token has 16 to 255 bytes of UTF-8. May change while the application runs.</summary>
    /// <value>Default: empty. At least one is required with <see cref="TunnelAuthenticationMode.Token"/>.</value>
    public IDictionary<string, string> Tokens { get; } = new Dictionary<string, string>(StringComparer.Ordinal);
}
