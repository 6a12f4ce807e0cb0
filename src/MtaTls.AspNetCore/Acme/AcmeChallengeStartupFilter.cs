using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Configuration;
using MtaTls.AspNetCore.Diagnostics;

namespace MtaTls.AspNetCore.Acme;

/// <summary>Serves the files of <c>MtaTls:AcmeChallenges:Path</c> before the application's own middleware, such as a redirection to HTTPS.</summary>
internal sealed class AcmeChallengeStartupFilter : IStartupFilter
{
    private const string Prefix = "/.well-known/acme-challenge/";

    // RFC 8555, section 8.1: a token has at least 128 bits in base64url; authorities use 43 characters. The file holds the token, a full stop and a hash.
    private const int MaxTokenLength = 128;
    private const int MaxFileLength = 1024;

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        // The options are read with the first challenge: under a server other than Kestrel nothing may read them.
        IServiceProvider services = app.ApplicationServices;
        app.Use(following => context => TryGetToken(context.Request, out string? token) ? AnswerAsync(context, token!, services, following) : following(context));
        next(app);
    };

    private static async Task AnswerAsync(HttpContext context, string token, IServiceProvider services, RequestDelegate following)
    {
        ILogger logger = services.GetRequiredService<ILoggerFactory>().CreateLogger(LogCategories.Endpoints);
        string? folder = services.GetRequiredService<CurrentSettings>().Current.Options.AcmeChallenges.Path;
        if (folder is null || await ReadAsync(folder, token, logger, context.RequestAborted) is not { } answer)
        {
            await following(context);
            return;
        }

        logger.AcmeChallengeAnswered(context.Connection.Id);
        context.Response.ContentType = "application/octet-stream";
        context.Response.ContentLength = answer.Length;
        context.Response.Headers.CacheControl = "no-store";
        if (HttpMethods.IsGet(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(answer, context.RequestAborted);
        }
    }

    /// <summary>Reads the token of a request. Only base64url is accepted, so that a token cannot name a file outside the folder.</summary>
    private static bool TryGetToken(HttpRequest request, out string? token)
    {
        token = null;
        if (request.Path.Value is not { } path || !path.StartsWith(Prefix, StringComparison.Ordinal) || !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)))
        {
            return false;
        }

        token = path[Prefix.Length..];
        return token.Length is > 0 and <= MaxTokenLength && token.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
    }

    private static async Task<byte[]?> ReadAsync(string folder, string token, ILogger logger, CancellationToken cancellationToken)
    {
        string file = Path.Combine(folder, ".well-known", "acme-challenge", token);
        try
        {
            await using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, useAsync: true);
            if (stream.Length > MaxFileLength)
            {
                logger.AcmeChallengeUnreadable(file, $"it is longer than {MaxFileLength} bytes");
                return null;
            }

            byte[] answer = new byte[stream.Length];
            await stream.ReadExactlyAsync(answer, cancellationToken);
            return answer;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.AcmeChallengeUnreadable(file, e.Message);
            return null;
        }
    }
}
