using System.Net;

namespace MtaTls.Agent;

/// <summary>
/// The endpoint on which Kestrel serves connections that come through a gateway. It opens no port: its connections are the channels that gateways open. <c>UseMtaTlsAgent()</c> adds it.
/// </summary>
/// <param name="isHttp2">Whether its connections begin with HTTP/2's preface.</param>
public sealed class MtaTlsAgentEndPoint(bool isHttp2 = false) : EndPoint
{
    /// <summary>Whether its connections begin with HTTP/2's preface; all others are HTTP/1.1.</summary>
    public bool IsHttp2 => isHttp2;

    /// <inheritdoc/>
    public override string ToString() => isHttp2 ? "mta-tls-agent-h2" : "mta-tls-agent";
}
