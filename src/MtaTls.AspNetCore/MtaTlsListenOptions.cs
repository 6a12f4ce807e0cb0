using Microsoft.AspNetCore.Server.Kestrel.Https;
using MtaTls.Tls;

namespace MtaTls.AspNetCore;

/// <summary>How one endpoint speaks MTA-TLS: the argument of <c>ListenOptions.UseMtaTls</c>.</summary>
public sealed class MtaTlsListenOptions
{
    /// <summary>The endpoint's name in logs, metrics and routes. Default: null, none.</summary>
    public string? Name { get; set; }

    /// <summary>Whether the extension is answered, required or ignored. Default: <see cref="MtaTlsEndpointDefaults.Mode"/>.</summary>
    public DataMultiplexingMode? Mode { get; set; }

    /// <summary>When an accepted channel is given to the application. Default: <see cref="MtaTlsEndpointDefaults.Dispatch"/>.</summary>
    public MtaTlsDispatch? Dispatch { get; set; }

    /// <summary>
    /// The settings that MTA-TLS takes its certificate and everything else from. Default: null, those of the endpoint's own <c>UseHttps</c>.
    /// Only needed where these can't be known; a warning of the log says so.
    /// </summary>
    public HttpsConnectionAdapterOptions? Https { get; set; }
}
