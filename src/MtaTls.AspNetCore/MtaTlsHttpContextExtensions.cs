using MtaTls.AspNetCore;

namespace Microsoft.AspNetCore.Http;

/// <summary>Finds the MTA-TLS session and the channel of a request.</summary>
public static class MtaTlsHttpContextExtensions
{
    /// <summary>Gets the MTA-TLS session of the request; null on an ordinary connection.</summary>
    /// <param name="context">The request's context.</param>
    public static IMtaTlsSessionFeature? GetMtaTlsSession(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Features.Get<IMtaTlsSessionFeature>();
    }

    /// <summary>Gets the channel of the request; null on an ordinary connection.</summary>
    /// <param name="context">The request's context.</param>
    public static IMtaTlsChannelFeature? GetMtaTlsChannel(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Features.Get<IMtaTlsChannelFeature>();
    }
}
