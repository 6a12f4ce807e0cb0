using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace MtaTls.Agent.Transport;

/// <summary>
/// Adds the agent's endpoint to Kestrel just before the server starts, when all of the app's own addresses are known. An endpoint in code overrides addresses that are given as URLs, so with ServeLocally these
/// URLs become endpoints in code too.
/// </summary>
internal sealed class AgentEndpoints(IServer server, IOptions<KestrelServerOptions> kestrelOptions, IOptions<MtaTlsAgentOptions> options) : IStartupFilter
{
    private const string DefaultAddress = "http://localhost:5000";

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        // TestServer and HTTP.sys have no such endpoints.
        if (server.GetType().Assembly == typeof(KestrelServerOptions).Assembly)
        {
            AddEndpoints(kestrelOptions.Value, server.Features.Get<IServerAddressesFeature>());
        }

        if (options.Value.UseForwardedHeaders)
        {
            ForwardedHeadersOptions forwarded = new() { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost, ForwardLimit = 1 };
            // The gateway is verified by its certificate, not by its address.
            forwarded.KnownProxies.Clear();
            forwarded.KnownIPNetworks.Clear();
            app.UseWhen(static context => context.Features.Get<IMtaTlsAgentFeature>() is not null, branch => branch.UseForwardedHeaders(forwarded));
        }

        next(app);
    };

    private void AddEndpoints(KestrelServerOptions kestrel, IServerAddressesFeature? addresses)
    {
        MtaTlsAgentOptions agent = options.Value;
        if (agent.ServeLocally)
        {
            Take(addresses, kestrel);
        }
        else
        {
            kestrel.ConfigurationLoader = null;
            addresses?.Addresses.Clear();
        }

        if (addresses is not null)
        {
            addresses.PreferHostingUrls = false;
        }

        if (agent.Protocols != HttpProtocols.Http2)
        {
            kestrel.Listen(new MtaTlsAgentEndPoint(), static listen => listen.Protocols = HttpProtocols.Http1);
        }

        if (agent.Protocols != HttpProtocols.Http1)
        {
            kestrel.Listen(new MtaTlsAgentEndPoint(isHttp2: true), static listen => listen.Protocols = HttpProtocols.Http2);
        }
    }

    private static void Take(IServerAddressesFeature? addresses, KestrelServerOptions kestrel)
    {
        bool hasEndpoints = kestrel.ConfigurationLoader?.Configuration.GetSection("Endpoints").GetChildren().Any() == true || KestrelEndpointsAccessor.Count(kestrel) > 0;
        string[] urls = addresses is null || (hasEndpoints && !addresses.PreferHostingUrls) ? [] : [.. addresses.Addresses];
        if (urls.Length == 0 && !hasEndpoints)
        {
            urls = [DefaultAddress];
        }

        addresses?.Addresses.Clear();
        foreach (string url in urls)
        {
            var address = BindingAddress.Parse(url);
            Action<ListenOptions> https = address.Scheme == Uri.UriSchemeHttps ? static listen => listen.UseHttps() : static _ => { };
            if (address.IsUnixPipe)
            {
                kestrel.ListenUnixSocket(address.UnixPipePath, https);
            }
            else if (address.IsNamedPipe)
            {
                kestrel.ListenNamedPipe(address.NamedPipeName, https);
            }
            else if (string.Equals(address.Host, "localhost", StringComparison.OrdinalIgnoreCase))
            {
                kestrel.ListenLocalhost(address.Port, https);
            }
            else if (IPAddress.TryParse(address.Host.Trim('[', ']'), out IPAddress? ip))
            {
                kestrel.Listen(ip, address.Port, https);
            }
            else
            {
                kestrel.ListenAnyIP(address.Port, https);
            }
        }
    }
}
