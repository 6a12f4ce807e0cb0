using System.Security.Authentication;

namespace MtaTls.AspNetCore.Diagnostics;

/// <summary>A version of TLS as OpenTelemetry writes it.</summary>
internal static class TlsVersion
{
    public static string Name(SslProtocols protocol) => protocol switch
    {
        SslProtocols.Tls12 => "1.2",
        SslProtocols.Tls13 => "1.3",
        _ => "unknown",
    };
}
