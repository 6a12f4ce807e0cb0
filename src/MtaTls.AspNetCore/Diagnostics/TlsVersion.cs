using System.Security.Authentication;

namespace MtaTls.AspNetCore.Diagnostics;

/// <summary>The name of a TLS version in OpenTelemetry's conventions.</summary>
internal static class TlsVersion
{
    public static string Name(SslProtocols protocol) => protocol switch
    {
        SslProtocols.Tls12 => "1.2",
        SslProtocols.Tls13 => "1.3",
        _ => "unknown",
    };
}
