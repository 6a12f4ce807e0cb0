namespace MtaTls.QuicTunnel;

/// <summary>How clients show who they are.</summary>
public sealed class TunnelAuthenticationOptions
{
    /// <summary>Default <see cref="TunnelAuthenticationMode.ClientCertificate"/>.</summary>
    public TunnelAuthenticationMode Mode { get; set; } = TunnelAuthenticationMode.ClientCertificate;

    /// <summary>A PEM file with the authorities that client certificates must come from. Required with <see cref="TunnelAuthenticationMode.ClientCertificate"/>. Default none.</summary>
    public string? AuthorityPath { get; set; }

    /// <summary>With <see cref="TunnelAuthenticationMode.Token"/>: identity to token, 16 to 255 octets of UTF-8 each. At least one. Default empty.</summary>
    public IDictionary<string, string> Tokens { get; } = new Dictionary<string, string>(StringComparer.Ordinal);
}
