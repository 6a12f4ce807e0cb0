using System.Buffers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MtaTls.Agents;
using MtaTls.AspNetCore;
using MtaTls.AspNetCore.Connections;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Configuration;
using MtaTls.ReverseProxy.Diagnostics;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>The endpoint at which agents register. The response to POST stays open as long as the registration lasts. PATCH announces draining, DELETE ends the registration.</summary>
internal sealed class AgentEndpoints(AgentRegistry registry, ReverseProxySettings settings, AgentMetrics metrics, AgentPublicUrls urls, IServiceProvider services, TimeProvider time, ILoggerFactory loggers)
{
    private const int MaxAvoided = 64;
    private const string InvalidRegistration = "invalid-registration";

    /// <summary>How long an agent may take to answer a ping.</summary>
    private static readonly TimeSpan s_pingTimeout = TimeSpan.FromSeconds(10);

    private readonly INodeDirectory? _nodes = services.GetService<INodeDirectory>();
    private readonly ILogger _logger = loggers.CreateLogger(AgentLog.Category);

    public async Task RegisterAsync(HttpContext context)
    {
        if (context.Features.Get<IMtaTlsSessionFeature>() is not MtaTlsServerSession session)
        {
            await ProblemAsync(context, StatusCodes.Status400BadRequest, AgentProtocol.NotMultiplexed, "Agents register in a channel of an MTA-TLS session; this connection is ordinary HTTPS.");
            return;
        }

        MtaTlsAgentsOptions options = settings.Current.Agents.Options;
        X509Certificate2? certificate = context.Connection.ClientCertificate;
        var identity = AgentIdentity.Of(certificate, context.User);
        if (registry.IsStopping)
        {
            await ProblemAsync(context, StatusCodes.Status503ServiceUnavailable, AgentProtocol.Draining, "The gateway is stopping.");
            return;
        }

        if (await ReadAsync(context, AgentJson.Default.RegistrationRequest) is not { } request)
        {
            return;
        }

        if (Error(request, options) is { } error)
        {
            _logger.RegistrationRefused(identity.ToString(), error);
            metrics.Refused("invalid");
            await ProblemAsync(context, StatusCodes.Status400BadRequest, InvalidRegistration, error);
            return;
        }

        string node = settings.Current.Node;
        if (_nodes is not null && request.Avoid?.Contains(node) == true)
        {
            await ProblemAsync(context, StatusCodes.Status409Conflict, AgentProtocol.OtherNode, $"This is gateway {node}, which the agent has a session with.");
            return;
        }

        (List<AgentName> granted, List<RefusedName> refused) = await DecideAsync(context, request, identity, certificate);
        if (granted.Count == 0)
        {
            await ProblemAsync(context, StatusCodes.Status403Forbidden, AgentProtocol.NoNameGranted, "No name was granted.", refused);
            return;
        }

        AgentRegistration registration = new(session, request, identity, node, granted, time.GetUtcNow());
        if (registry.TryAdd(registration) is { } limit)
        {
            _logger.RegistrationRefused(identity.ToString(), limit == AgentProtocol.Draining ? "the gateway is stopping" : $"MtaTls:Agents:{limit} is reached");
            metrics.Refused("limit");
            await ProblemAsync(
                context, StatusCodes.Status503ServiceUnavailable, limit == AgentProtocol.Draining ? limit : AgentProtocol.LimitReached, "The gateway registers no further agents now.");
            return;
        }

        session.KeepAlive();
        string reason = "its session or channel has ended";
        try
        {
            _logger.AgentRegistered(request.Agent, registration.Id, identity.ToString(), string.Join(", ", granted), session.SessionId);
            reason = await ServeAsync(context, registration, new RegisteredMessage(registration.Id, [.. granted.Select(static n => n.ToString())], refused, options.Heartbeat.TotalSeconds, node, urls.Of(granted, context.Request.Host), _nodes?.ListNodes().Count(static n => !n.IsDraining)), options);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The agent has ended the request.
        }
        finally
        {
            registry.End(registration, reason);
        }
    }

    public async Task ChangeAsync(HttpContext context, string id)
    {
        if (Find(context, id) is not { } registration)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        if (await ReadAsync(context, AgentJson.Default.RegistrationChange) is not { } change)
        {
            return;
        }

        if (change.Draining)
        {
            await registry.DrainAsync(registration, time);
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    public Task EndAsync(HttpContext context, string id)
    {
        if (Find(context, id) is { } registration)
        {
            registry.End(registration, "the agent has ended it");
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        else
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
        }

        return Task.CompletedTask;
    }

    /// <summary>
    /// Only the agent that registered may change a registration. For all others the registration does not exist. While its first session drains, an agent asks on a new session: there the gateway
    /// knows it by its identity, unless it is anonymous.
    /// </summary>
    private AgentRegistration? Find(HttpContext context, string id)
    {
        var identity = AgentIdentity.Of(context.Connection.ClientCertificate, context.User);
        return registry.Find(id) is { } registration && identity == registration.Identity
            && context.Features.Get<IMtaTlsSessionFeature>() is { } session && (session == registration.Session || !identity.IsAnonymous) ? registration : null;
    }

    private static string? Error(RegistrationRequest request, MtaTlsAgentsOptions options)
    {
        if (!IsLabel(request.Agent) || !IsLabel(request.Instance))
        {
            return "agent and instance must be 1 to 64 letters, digits, hyphens, underscores or dots";
        }

        if (request.Names is not { Count: > 0 })
        {
            return "names has no entry";
        }

        if (request.Names.Count > options.MaxNamesPerAgent)
        {
            return $"names has {request.Names.Count} entries, more than MaxNamesPerAgent ({options.MaxNamesPerAgent})";
        }

        if (request.Avoid is { } avoid && (avoid.Count > MaxAvoided || !avoid.All(IsLabel)))
        {
            return $"avoid must be a list of at most {MaxAvoided} gateway names";
        }

        return request.Weight is < 1 or > 16 ? "weight must be from 1 to 16" : null;
    }

    private static bool IsLabel(string? text) => text is { Length: > 0 and <= 64 } && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    private async Task<(List<AgentName> Granted, List<RefusedName> Refused)> DecideAsync(HttpContext context, RegistrationRequest request, AgentIdentity identity, X509Certificate2? certificate)
    {
        List<AgentName> granted = [];
        List<RefusedName> refused = [];
        foreach (string text in request.Names)
        {
            string? reason = null;
            if (!AgentProtocol.TryParseName(text, out AgentName name))
            {
                reason = "not a name";
            }
            else if (granted.Contains(name))
            {
                continue;
            }
            else if (await FindRuleAsync(context, name, certificate) is not { } rule)
            {
                reason = "not allowed";
            }
            else if (registry.CountOf(name) >= rule.MaxAgents && !registry.Replaces(identity, request.Agent, request.Instance, name))
            {
                reason = "too many agents";
            }

            if (reason is null)
            {
                granted.Add(name);
            }
            else
            {
                string shown = Printable(text);
                _logger.NameRefused(request.Agent, identity.ToString(), shown, reason);
                metrics.Refused(reason.Replace(' ', '_'));
                refused.Add(new RefusedName(shown, reason));
            }
        }

        return (granted, refused);
    }

    private async ValueTask<AgentRule?> FindRuleAsync(HttpContext context, AgentName name, X509Certificate2? certificate)
    {
        foreach (AgentRule rule in settings.Current.Agents.Rules)
        {
            if (!rule.Matches(name, certificate))
            {
                continue;
            }

            if (rule.Policy is null)
            {
                return rule;
            }

            IAuthorizationService authorization = services.GetService<IAuthorizationService>()
                ?? throw new InvalidOperationException($"The rule with Policy '{rule.Policy}' (MtaTls:Agents:Rules) needs builder.Services.AddAuthorization().");
            if ((await authorization.AuthorizeAsync(context.User, name.ToString(), rule.Policy)).Succeeded)
            {
                return rule;
            }
        }

        return null;
    }

    private async Task<string> ServeAsync(HttpContext context, AgentRegistration registration, RegisteredMessage message, MtaTlsAgentsOptions options)
    {
        context.Features.Get<IHttpRequestTimeoutFeature>()?.DisableTimeout();
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";
        CancellationToken aborted = context.RequestAborted;
        await WriteAsync(context, AgentProtocol.RegisteredEvent, message, AgentJson.Default.RegisteredMessage, aborted);
        CancellationToken closing = context.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(aborted, registration.Ended, closing);
        Task<TimeSpan> drain = registration.DrainRequested;
        bool isDraining = false;
        while (true)
        {
            var heartbeat = Task.Delay(options.Heartbeat, time, ended.Token);
            Task first = isDraining ? await Task.WhenAny(heartbeat) : await Task.WhenAny(heartbeat, drain);
            if (aborted.IsCancellationRequested)
            {
                return "its session or channel has ended";
            }

            if (registration.Ended.IsCancellationRequested)
            {
                return "it was ended";
            }

            if (closing.IsCancellationRequested)
            {
                // Somebody ends the session: it opens no more channels, so the agent must register on another one. The end of the response says that all requests have reached the agent.
                await registry.DrainAsync(registration, time);
                return "its session ends";
            }

            if (first == drain)
            {
                isDraining = true;
                await WriteAsync(context, AgentProtocol.DrainEvent, new DrainMessage((await drain).TotalSeconds, [.. options.Alternates]), AgentJson.Default.DrainMessage, aborted);
                continue;
            }

            context.Response.BodyWriter.Write("event: ping\ndata: {}\n\n"u8);
            _ = PingAsync(registration);
            await context.Response.BodyWriter.FlushAsync(aborted);
        }
    }

    /// <summary>Pings inside the session, which the agent's read loop answers: the TCP connection of a hung process stays alive.</summary>
    private async Task PingAsync(AgentRegistration registration)
    {
        try
        {
            using CancellationTokenSource timeout = new(s_pingTimeout, time);
            await registration.Session.Session.PingAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            _logger.AgentSilent(registration.Agent, registration.Id, s_pingTimeout.TotalSeconds);
            registration.Abort("The agent has not answered a ping.");
        }
        catch (IOException)
        {
            // The session has ended, or can't open another channel now. The next ping decides.
        }
    }

    private static async ValueTask WriteAsync<T>(HttpContext context, string name, T message, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        context.Response.BodyWriter.Write(Encoding.ASCII.GetBytes($"event: {name}\ndata: {JsonSerializer.Serialize(message, type)}\n\n"));
        await context.Response.BodyWriter.FlushAsync(cancellationToken);
    }

    private async Task<T?> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type)
        where T : class
    {
        int most = RegistrationBody.MostBytes(settings.Current.Agents.Options);
        (T? message, bool isTooLong) = await RegistrationBody.ReadAsync(context, type, most);
        if (message is not null)
        {
            return message;
        }

        string detail = "The body is not the JSON of a registration.";
        if (isTooLong)
        {
            detail = $"The registration is longer than MaxNamesPerAgent ({settings.Current.Agents.Options.MaxNamesPerAgent}) names need, {most} bytes.";
            _logger.RegistrationRefused(AgentIdentity.Of(context.Connection.ClientCertificate, context.User).ToString(), detail);
            metrics.Refused("invalid");
        }

        await ProblemAsync(context, StatusCodes.Status400BadRequest, InvalidRegistration, detail);
        return null;
    }

    private static Task ProblemAsync(HttpContext context, int status, string type, string detail, IReadOnlyList<RefusedName>? refused = null)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new RegistrationProblem(type, null, detail, refused), AgentJson.Default.RegistrationProblem, "application/problem+json", context.RequestAborted);
    }

    /// <summary>The name that the agent asked for, without characters that could forge a line of a log.</summary>
    private static string Printable(string? text) =>
        string.Concat((text ?? "").Take(64).Select(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or ':' or '*' ? c : '?'));
}
