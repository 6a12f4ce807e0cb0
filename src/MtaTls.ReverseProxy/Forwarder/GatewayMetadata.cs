using System.Diagnostics.CodeAnalysis;
using MtaTls.AspNetCore.Routing;

namespace MtaTls.ReverseProxy.Forwarder;

/// <summary>Parses the value of <see cref="MtaTlsMetadata.Gateway"/>, the URL of the gateway whose TLS sessions carry a cluster's connections.</summary>
internal static class GatewayMetadata
{
    public static bool TryParse(string? text, [NotNullWhen(true)] out Uri? gateway) =>
        Uri.TryCreate(text, UriKind.Absolute, out gateway) && gateway.Scheme == Uri.UriSchemeHttps && gateway.PathAndQuery == "/" && gateway.UserInfo.Length == 0 && gateway.Fragment.Length == 0
        && ChannelHost.TryParseUriHost(gateway.Host, out _);
}
