using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace MtaTls.AspNetCore.Routing;

/// <summary>Applies <see cref="HostMatching"/> before the application's own middleware, if there are channel routes or routers.</summary>
internal sealed class HostMatchingStartupFilter : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        // Resolved with the first channel: under other servers, such as TestServer, there is none, and nothing may read the options.
        IServiceProvider services = app.ApplicationServices;
        HostMatching? hostMatching = null;
        app.Use(following => context =>
        {
            if (context.Features.Get<IMtaTlsChannelFeature>() is not { } channel)
            {
                return following(context);
            }

            hostMatching ??= services.GetRequiredService<HostMatching>();
            return !hostMatching.IsGeneral || hostMatching.Accepts(ChannelTarget.Of(channel), context.Request) ? following(context) : hostMatching.RejectAsync(context);
        });
        next(app);
    };
}
