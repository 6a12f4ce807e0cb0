using System.Globalization;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore;
using MtaTls.Dashboard.Inspector;
using MtaTls.Dashboard.Security;
using MtaTls.Dashboard.Views;
using MtaTls.Protocol;
using MtaTls.QuicTunnel;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.Dashboard;

/// <summary>The actions of users who satisfy <see cref="MtaTlsDashboardOptions.ActionsPolicy"/>. Each action needs an antiforgery token, and is logged with its user.</summary>
internal sealed class DashboardActions(ActionGate gate, IAntiforgery antiforgery, RequestRing requests, IServiceProvider services, ILoggerFactory loggers)
{
    private static readonly TimeSpan s_drainTime = TimeSpan.FromSeconds(30);

    private readonly ILogger _logger = loggers.CreateLogger(DashboardLog.Category);

    /// <summary>Passes only requests of users who may act, with the antiforgery token.</summary>
    public RequestDelegate Guard(RequestDelegate handler) => async context =>
    {
        int status = await gate.DecideAsync(context);
        if (status != StatusCodes.Status200OK)
        {
            await DashboardEndpoints.FailAsync(context, status, "You may not do this.");
            return;
        }

        if (!await antiforgery.IsRequestValidAsync(context))
        {
            await DashboardEndpoints.FailAsync(context, StatusCodes.Status400BadRequest, "The antiforgery token is missing or has expired. Load the page again.");
            return;
        }

        await handler(context);
    };

    /// <summary>Sends the antiforgery token for actions.</summary>
    public async Task TokenAsync(HttpContext context)
    {
        int status = await gate.DecideAsync(context);
        if (status != StatusCodes.Status200OK)
        {
            await DashboardEndpoints.FailAsync(context, status, "You may not do this.");
            return;
        }

        AntiforgeryTokenSet tokens = antiforgery.GetAndStoreTokens(context);
        context.Response.Headers.CacheControl = "no-store";
        await DashboardEndpoints.WriteAsync(context, new TokenMessage(tokens.HeaderName ?? "RequestVerificationToken", tokens.RequestToken ?? ""), DashboardJson.Default.TokenMessage);
    }

    public Task EndSessionAsync(HttpContext context) => DoAsync(context, "end session", id => services.GetService<IMtaTlsSessions>()?.End(id) == true);

    public Task AbortSessionAsync(HttpContext context) => DoAsync(context, "abort session", id => services.GetService<IMtaTlsSessions>()?.Abort(id) == true);

    public Task AbortChannelAsync(HttpContext context)
        => DoAsync(context, "close channel", id => TryParse(context.GetRouteValueText("channel"), out ChannelId channel) && services.GetService<IMtaTlsSessions>()?.AbortChannel(id, channel) == true);

    public Task EndAgentAsync(HttpContext context) => DoAsync(context, "end agent", id => services.GetService<IMtaTlsAgents>()?.End(id) == true);

    public Task EndTunnelAsync(HttpContext context) => DoAsync(context, "end tunnel", id => services.GetService<ITunnelSessions>()?.End(id) == true);

    public async Task DrainAgentAsync(HttpContext context)
    {
        string id = context.GetRouteValueText("id");
        bool isDone = services.GetService<IMtaTlsAgents>() is { } agents && await agents.DrainAsync(id, s_drainTime);
        await AnswerAsync(context, "drain agent", id, isDone);
    }

    public async Task ReplayAsync(HttpContext context)
    {
        string text = context.GetRouteValueText("number");
        if (!requests.Options.Enabled || !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) || requests.Find(number) is not { } original)
        {
            await AnswerAsync(context, "send request again", text, false);
            return;
        }

        if (original.CannotReplay is { } reason)
        {
            await DashboardEndpoints.FailAsync(context, StatusCodes.Status409Conflict, reason);
            return;
        }

        _logger.Acted(User(context), "send request again", text);
        Recording replay = await RequestRecorder.ReplayAsync(requests, original, context);
        await DashboardEndpoints.WriteAsync(context, new ReplayMessage(replay.Number, replay.Status), DashboardJson.Default.ReplayMessage);
    }

    private static string User(HttpContext context) => context.User.Identity?.Name ?? "(no name)";

    // ChannelId.ToString() writes hexadecimal digits.
    private static bool TryParse(string text, out ChannelId id)
    {
        bool isId = uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value);
        id = new ChannelId(value);
        return isId;
    }

    private Task DoAsync(HttpContext context, string action, Func<string, bool> act)
    {
        string id = context.GetRouteValueText("id");
        return AnswerAsync(context, action, id, act(id));
    }

    private Task AnswerAsync(HttpContext context, string action, string id, bool isDone)
    {
        if (!isDone)
        {
            return DashboardEndpoints.FailAsync(context, StatusCodes.Status404NotFound, "It was not found. It may have ended.");
        }

        _logger.Acted(User(context), action, id);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }
}
