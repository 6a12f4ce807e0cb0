using MtaTls.AspNetCore;

namespace Microsoft.AspNetCore.Http;

/// <summary>What a request came on.</summary>
public static class MtaTlsHttpContextExtensions
{
    /// <summary>The MTA-TLS session that the request came on; null on an ordinary connection.</summary>
    /// <param name="context">The request's context.</param>
    public static IMtaTlsSessionFeature? GetMtaTlsSession(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Features.Get<IMtaTlsSessionFeature>();
    }

    /// <summary>The channel that the request came on; null on an ordinary connection.</summary>
    /// <param name="context">The request's context.</param>
    public static IMtaTlsChannelFeature? GetMtaTlsChannel(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Features.Get<IMtaTlsChannelFeature>();
    }
}
