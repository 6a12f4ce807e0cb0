using System.Net;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using MtaTls.Tool.Management;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Serving;

/// <summary>The live page of <c>mtatls serve</c>: on a separate port, for this machine only, with a password.</summary>
internal static class LivePage
{
    public const string UrlKey = "Gateway:Page:Url";
    public const string PasswordKey = "Gateway:Page:Password";

    private const string ActionsKey = "Gateway:Page:AllowActions";
    private const string Policy = "mtatls.page";
    private const int MinPasswordLength = 16;

    /// <summary>Adds the page if the configuration has its URL.</summary>
    /// <exception cref="ToolException">The settings are invalid.</exception>
    public static bool TryAdd(WebApplicationBuilder builder)
    {
        if (builder.Configuration[UrlKey] is not { Length: > 0 } url)
        {
            return false;
        }

        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? address) || address.Scheme != Uri.UriSchemeHttp || !IPAddress.TryParse(address.Host.Trim('[', ']'), out IPAddress? ip) || !IPAddress.IsLoopback(ip))
        {
            throw new ToolException(ExitCode.Usage, $"'{url}' is not a URL of this machine, such as http://127.0.0.1:8082 ({UrlKey}).", "To open the page from another machine, forward the port: ssh -L 8082:127.0.0.1:8082.");
        }

        if (builder.Configuration[PasswordKey] is not { Length: >= MinPasswordLength })
        {
            throw new ToolException(ExitCode.Usage, $"{PasswordKey} must have at least {MinPasswordLength} characters.", "Set it in the environment: Gateway__Page__Password.");
        }

        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(ip, address.Port, static listen => PrivateEndpoint.Mark(listen, UrlKey)));
        builder.Services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, LivePageAuthentication>(LivePageAuthentication.Name, null);
        builder.Services.AddAuthorizationBuilder().AddPolicy(Policy, static policy => policy.AddAuthenticationSchemes(LivePageAuthentication.Name).RequireAuthenticatedUser());
        bool allowsActions = bool.TryParse(builder.Configuration[ActionsKey], out bool allows) && allows;
        builder.Services.AddMtaTlsDashboard(options => options.ActionsPolicy ??= allowsActions ? Policy : null);
        return true;
    }

    /// <summary>Maps the page on its own port only.</summary>
    public static void Map(WebApplication app)
        => PrivateEndpoint.Map(app, UrlKey, static page => page.UseRouting().UseAuthorization().UseEndpoints(static endpoints => endpoints.MapMtaTlsDashboard("/").RequireAuthorization(Policy)));
}
