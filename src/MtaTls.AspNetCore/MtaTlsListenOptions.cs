using Microsoft.AspNetCore.Server.Kestrel.Https;
using MtaTls.Tls;

namespace MtaTls.AspNetCore;

/// <summary>The MTA-TLS options of one endpoint, for the callback of <c>ListenOptions.UseMtaTls</c>.</summary>
public sealed class MtaTlsListenOptions
{
    /// <summary>The endpoint's name in logs, metrics and routes. Default: null, its name in <c>Kestrel:Endpoints</c>, if it has one.</summary>
    public string? Name { get; set; }

    /// <summary>Whether clients may offer the extension, must offer it, or get ordinary HTTPS in any case. Default: <see cref="MtaTlsEndpointDefaults.Mode"/>.</summary>
    public DataMultiplexingMode? Mode { get; set; }

    /// <summary>When the application gets a channel. Default: <see cref="MtaTlsEndpointDefaults.Dispatch"/>.</summary>
    public MtaTlsDispatch? Dispatch { get; set; }

    /// <summary>
    /// The HTTPS settings that MTA-TLS uses, such as the certificate. Default: null, the settings of the endpoint's <c>UseHttps</c>.
    /// Set them only if those cannot be read; a warning in the log then asks for it.
    /// </summary>
    public HttpsConnectionAdapterOptions? Https { get; set; }
}
