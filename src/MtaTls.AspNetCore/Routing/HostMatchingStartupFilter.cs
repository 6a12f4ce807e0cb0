using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace MtaTls.AspNetCore.Routing;

/// <summary>Applies <see cref="HostMatching"/> before everything else in the application, as soon as there are channel routes.</summary>
internal sealed class HostMatchingStartupFilter : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        // Found with the first channel: where none ever comes, as under TestServer, no option is read and no file opened.
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
