using System.Net.Security;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using MtaTls.Client;
using MtaTls.Client.Configuration;
using MtaTls.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace MtaTls.ReverseProxy.Client;

/// <summary>Makes the HTTP clients of clusters that are reached through another gateway. Their connections are channels, and clusters with the same gateway share its TLS sessions.</summary>
internal sealed class ChannelHttpClientFactory(
    IConfiguration configuration, string contentRoot, ILoggerFactory loggers, Action<ForwarderHttpClientContext, MtaTlsClientOptions>? configure)
    : ForwarderHttpClientFactory(loggers.CreateLogger<ForwarderHttpClientFactory>())
{
    // One static delegate, because only clients with equal settings share sessions.
#pragma warning disable CA5359 // Only for clusters with DangerousAcceptAnyServerCertificate.
    private static readonly RemoteCertificateValidationCallback s_acceptAny = static (_, _, _, _) => true;
#pragma warning restore CA5359

    protected override bool CanReuseOldClient(ForwarderHttpClientContext context) =>
        base.CanReuseOldClient(context)
        && Metadata(context.OldMetadata, MtaTlsMetadata.Gateway) == Metadata(context.NewMetadata, MtaTlsMetadata.Gateway)
        && Metadata(context.OldMetadata, MtaTlsMetadata.TargetHost) == Metadata(context.NewMetadata, MtaTlsMetadata.TargetHost);

    protected override void ConfigureHandler(ForwarderHttpClientContext context, SocketsHttpHandler handler)
    {
        // The TLS settings are for the session to the gateway. The handler itself makes no handshake, and a channel can't go through a proxy.
        HttpClientConfig config = context.NewConfig;
        if (config.WebProxy?.Address is not null)
        {
            throw new InvalidOperationException($"Cluster '{context.ClusterId}': HttpClient:WebProxy does not apply to a cluster with {MtaTlsMetadata.Gateway}.");
        }

        base.ConfigureHandler(
            new ForwarderHttpClientContext { ClusterId = context.ClusterId, NewConfig = config with { SslProtocols = null, DangerousAcceptAnyServerCertificate = null, WebProxy = null } }, handler);

        if (!GatewayMetadata.TryParse(Metadata(context.NewMetadata, MtaTlsMetadata.Gateway), out Uri? gateway))
        {
            throw new InvalidOperationException($"Cluster '{context.ClusterId}': metadata {MtaTlsMetadata.Gateway} is not 'https://host:port'.");
        }
        // Requests do not wait for a reconnect: YARP has other destinations, and its health checks must see the failure.
        var options = new MtaTlsClientOptions { LoggerFactory = loggers, Reconnect = { WaitTimeout = TimeSpan.Zero } };
        MtaTlsClientConfiguration.Apply(configuration.GetSection(MtaTlsClientOptions.SectionName), options, contentRoot);
        options.Host = gateway.IdnHost;
        options.Port = gateway.Port;
        options.TargetHost = Metadata(context.NewMetadata, MtaTlsMetadata.TargetHost) ?? options.TargetHost;
        if (config.SslProtocols is { } protocols)
        {
            options.EnabledSslProtocols = protocols;
        }

        if (config.DangerousAcceptAnyServerCertificate is true)
        {
            options.RemoteCertificateValidationCallback = s_acceptAny;
        }

        configure?.Invoke(context, options);
        handler.UseMtaTls(options);
    }

    private static string? Metadata(IReadOnlyDictionary<string, string>? metadata, string key) => metadata?.GetValueOrDefault(key);
}
