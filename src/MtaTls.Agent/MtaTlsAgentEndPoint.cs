using System.Net;

namespace MtaTls.Agent;

/// <summary>
/// The endpoint at which Kestrel serves connections from gateways. It opens no port: its connections are the channels that gateways open. <c>UseMtaTlsAgent()</c> adds it to Kestrel.
/// </summary>
/// <param name="isHttp2">Whether the endpoint serves HTTP/2 (connections that begin with the HTTP/2 preface). Default: false, HTTP/1.1.</param>
public sealed class MtaTlsAgentEndPoint(bool isHttp2 = false) : EndPoint
{
    /// <summary>Whether the endpoint serves HTTP/2. False: HTTP/1.1.</summary>
    public bool IsHttp2 => isHttp2;

    /// <inheritdoc/>
    public override string ToString() => isHttp2 ? "mta-tls-agent-h2" : "mta-tls-agent";
}
