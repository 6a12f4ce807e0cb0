using System.Security.Authentication;

namespace MtaTls.Tls;

/// <summary>The versions of TLS that the engine supports.</summary>
internal static class ProtocolVersions
{
    public const SslProtocols All = SslProtocols.Tls12 | SslProtocols.Tls13;

    public static SslProtocols Validated(SslProtocols value)
        => (value | All) == All
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "Only TLS 1.2 and TLS 1.3 are supported.");

    /// <summary>Returns the versions that the engine supports.</summary>
    public static SslProtocols Supported(SslProtocols value) => value & All;
}
