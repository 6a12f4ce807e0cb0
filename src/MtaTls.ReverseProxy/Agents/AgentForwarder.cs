using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using MtaTls.Agents;
using MtaTls.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Forwarder;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Forwards requests to agents by the request's host, without routes and clusters.</summary>
internal sealed class AgentForwarder(IHttpForwarder forwarder, AgentHttpClientFactory clients, AgentSelector selector, ClientCertificateForwarding certificates) : IDisposable
{
    private const string ClientName = "MtaTls:Agents";

    private static readonly ForwarderRequestConfig s_http11 = new() { Version = System.Net.HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
    private static readonly ForwarderRequestConfig s_http2 = new() { Version = System.Net.HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };

    private readonly HttpMessageInvoker _client = clients.CreateClient(new ForwarderHttpClientContext { ClusterId = ClientName, NewConfig = Yarp.ReverseProxy.Configuration.HttpClientConfig.Empty });
    private readonly Transformer _transformer = new(certificates);

    public async Task ForwardAsync(HttpContext context, Regex pattern, string template)
    {
        Match match = pattern.Match(context.Request.Host.Host);
        string text = template.Replace("{name}", match.Groups["name"].Value, StringComparison.Ordinal);
        // Only requests for known names wait: a client can invent any number of names.
        if (!match.Success || !AgentProtocol.TryParseName(text, out AgentName name))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        bool isComplete = await selector.LoadAsync(name, context.RequestAborted);
        if (!selector.IsKnown(name))
        {
            context.Response.StatusCode = isComplete ? StatusCodes.Status404NotFound : StatusCodes.Status503ServiceUnavailable;
            if (!isComplete)
            {
                context.Response.Headers.RetryAfter = "1";
            }

            return;
        }

        context.Items[typeof(AgentName)] = name;
        // gRPC needs HTTP/2 from end to end; everything else is HTTP/1.1, which every agent serves.
        bool isGrpc = context.Request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true;
        await forwarder.SendAsync(context, $"http://{AgentAuthority.Waiting(name)}", _client, isGrpc ? s_http2 : s_http11, _transformer);
    }

    public void Dispose() => _client.Dispose();

    private sealed class Transformer(ClientCertificateForwarding certificates) : HttpTransformer
    {
        public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            // A client could forge forwarding headers, so the client's own are not passed on.
            foreach ((string name, Microsoft.Extensions.Primitives.StringValues _) in httpContext.Request.Headers)
            {
                if (ForwardingHeaders.IsForwarding(name))
                {
                    proxyRequest.Headers.Remove(name);
                }
            }

            certificates.Apply(httpContext, proxyRequest);
            proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-For", httpContext.Connection.RemoteIpAddress?.ToString());
            proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-Proto", httpContext.Request.Scheme);
            proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-Host", httpContext.Request.Host.Value);
            proxyRequest.Headers.Host = null;
            proxyRequest.Options.Set(AgentRequest.Name, (AgentName)httpContext.Items[typeof(AgentName)]!);
            proxyRequest.Options.Set(AgentRequest.Source, AgentRequest.SourceOf(httpContext.Connection));
        }
    }
}
