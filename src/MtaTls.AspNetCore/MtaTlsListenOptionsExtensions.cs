using Microsoft.AspNetCore.Server.Kestrel.Core;
using MtaTls.AspNetCore;
using MtaTls.AspNetCore.Endpoints;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Adds MTA-TLS to one endpoint that is configured in code.</summary>
public static class MtaTlsListenOptionsExtensions
{
    /// <summary>
    /// Lets this HTTPS endpoint also speak MTA-TLS, with the settings of its <c>UseHttps</c>. Not needed if <c>builder.WebHost.UseMtaTls()</c> is called and
    /// <see cref="MtaTlsOptions.Endpoints"/> is empty: then all HTTPS endpoints speak it.
    /// </summary>
    /// <param name="listenOptions">The endpoint; its <c>UseHttps</c> may come before or after.</param>
    /// <returns>The endpoint.</returns>
    public static ListenOptions UseMtaTls(this ListenOptions listenOptions) => listenOptions.UseMtaTls(static _ => { });

    /// <summary>Configures MTA-TLS on this HTTPS endpoint. The callback can also disable it (<see cref="MtaTlsListenOptions.Mode"/>).</summary>
    /// <param name="listenOptions">The endpoint; its <c>UseHttps</c> may come before or after.</param>
    /// <param name="configure">Sets the options that differ from <see cref="MtaTlsOptions.EndpointDefaults"/>.</param>
    /// <returns>The endpoint.</returns>
    public static ListenOptions UseMtaTls(this ListenOptions listenOptions, Action<MtaTlsListenOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(listenOptions);
        ArgumentNullException.ThrowIfNull(configure);

        MtaTlsListenOptions options = new();
        configure(options);
        EndpointAttachment.Attach(listenOptions, options, isExplicit: true);
        return listenOptions;
    }
}
