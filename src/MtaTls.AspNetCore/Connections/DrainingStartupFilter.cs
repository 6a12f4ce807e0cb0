using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MtaTls.AspNetCore.Connections;

/// <summary>
/// Adds <c>Connection: close</c> to HTTP/1.1 responses once the session's go-away is sent. The client then continues on another session. Without it, a client could begin a request at
/// the moment at which the server closes the idle channel. HTTP/2 uses GOAWAY for this: <see cref="Http2Transport"/>.
/// </summary>
internal sealed class DrainingStartupFilter : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        ServerSessions sessions = app.ApplicationServices.GetRequiredService<ServerSessions>();
        app.Use(following => context =>
        {
            if (sessions.AnyHasSentGoAway && HttpProtocol.IsHttp11(context.Request.Protocol) && context.Features.Get<IMtaTlsSessionFeature>() is MtaTlsServerSession { HasSentGoAway: true })
            {
                context.Response.Headers.Connection = "close";
            }

            return following(context);
        });
        next(app);
    };
}
