using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MtaTls.AspNetCore.Connections;

/// <summary>
/// Once a session's go-away is sent, an HTTP/1.1 channel ends with its next response (<c>Connection: close</c>): its client then continues on another session, instead of beginning a request
/// at the moment at which the channel is closed as idle. HTTP/2 has GOAWAY for that: <see cref="Http2Transport"/>.
/// </summary>
internal sealed class DrainingStartupFilter : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        ServerSessions sessions = app.ApplicationServices.GetRequiredService<ServerSessions>();
        app.Use(following => context =>
        {
            if (sessions.AnyLeft && HttpProtocol.IsHttp11(context.Request.Protocol) && context.Features.Get<IMtaTlsSessionFeature>() is MtaTlsServerSession { IsLeft: true })
            {
                context.Response.Headers.Connection = "close";
            }

            return following(context);
        });
        next(app);
    };
}
