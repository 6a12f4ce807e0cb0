using System.Net.Http.Headers;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace MtaTls.Tool.Serving;

/// <summary>HTTP Basic authentication with the live page's password. The user name may be any.</summary>
internal sealed class LivePageAuthentication(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, IConfiguration configuration)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string Name = "mtatls.page";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (!AuthenticationHeaderValue.TryParse(Request.Headers.Authorization, out AuthenticationHeaderValue? header) || !header.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase))
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        string password = configuration[LivePage.PasswordKey] ?? "";
        byte[] decoded = new byte[header.Parameter?.Length ?? 0];
        if (!Convert.TryFromBase64String(header.Parameter ?? "", decoded, out int length) || Encoding.UTF8.GetString(decoded, 0, length).Split(':', 2) is not [var user, var given]
            || !CryptographicOperations.FixedTimeEquals(Hash(given), Hash(password)))
        {
            return Task.FromResult(AuthenticateResult.Fail("The password is wrong."));
        }

        ClaimsIdentity identity = new([new Claim(ClaimTypes.Name, user.Length > 0 ? user : "operator")], Scheme.Name);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name)));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers[HeaderNames.WWWAuthenticate] = "Basic realm=\"mtatls\", charset=\"UTF-8\"";
        return base.HandleChallengeAsync(properties);
    }

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
