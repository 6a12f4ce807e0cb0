using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore;
using MtaTls.ReverseProxy.Configuration;
using MtaTls.ReverseProxy.Diagnostics;

namespace MtaTls.ReverseProxy.Forwarder;

/// <summary>Sends the client's certificate to backends in headers, and removes such headers that the client itself sent.</summary>
internal sealed class ClientCertificateForwarding(ReverseProxySettings settings, ILogger<ClientCertificateForwarding> logger)
{
    private static readonly string[] s_names = [ClientCertificateHeaders.ClientCert, ClientCertificateHeaders.ClientCertChain, ClientCertificateHeaders.XForwardedClientCert];

    // The headers are made once for each certificate, not for each request.
    private readonly ConditionalWeakTable<X509Certificate2, ClientCertificateHeaders> _known = [];

    /// <summary>Removes the client's own headers and adds the configured ones. Sets the response's status to 431 if one would be too long.</summary>
    /// <param name="context">The client's request.</param>
    /// <param name="proxyRequest">The request to the backend.</param>
    /// <param name="add">False: only removes headers.</param>
    public void Apply(HttpContext context, HttpRequestMessage proxyRequest, bool add = true)
    {
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues _) in context.Request.Headers)
        {
            if (IsClientCertificate(name))
            {
                proxyRequest.Headers.Remove(name);
                proxyRequest.Content?.Headers.Remove(name);
            }
        }

        MtaTlsClientCertificateHeadersOptions options = settings.Current.ClientCertificateHeaders;
        if (!add || !(options.ClientCert || options.ClientCertChain || options.XForwardedClientCert != ForwardedClientCertificateParts.None))
        {
            return;
        }

        IMtaTlsSessionFeature? session = context.GetMtaTlsSession();
        if ((session?.ClientCertificate ?? context.Connection.ClientCertificate) is not { } certificate)
        {
            return;
        }

        if (!_known.TryGetValue(certificate, out ClientCertificateHeaders? headers) || headers.Options != options)
        {
            headers = new ClientCertificateHeaders(options, certificate, session?.ClientCertificateChain ?? []);
            _known.AddOrUpdate(certificate, headers);
        }

        if (headers.TooLong is { } tooLong)
        {
            ReverseProxyLog.ClientCertificateTooLong(logger, context.Connection.Id, tooLong, certificate.Thumbprint, options.MaxHeaderLength);
            context.Response.StatusCode = StatusCodes.Status431RequestHeaderFieldsTooLarge;
            return;
        }

        foreach ((string name, string value) in headers.Values)
        {
            proxyRequest.Headers.TryAddWithoutValidation(name, value);
        }
    }

    /// <summary>Also matches underscores: many servers give "Client_Cert" to applications under the same name as "Client-Cert".</summary>
    private static bool IsClientCertificate(string name)
    {
        foreach (string known in s_names)
        {
            if (name.Length == known.Length && (name.Equals(known, StringComparison.OrdinalIgnoreCase) || name.Replace('_', '-').Equals(known, StringComparison.OrdinalIgnoreCase)))
            {
                return true;
            }
        }

        return false;
    }
}
