using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.ServerSentEvents;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using MtaTls.Agent.Configuration;
using MtaTls.Agent.Diagnostics;
using MtaTls.Agents;
using MtaTls.Client;
using MtaTls.Protocol;

namespace MtaTls.Agent.Links;

/// <summary>One session with one gateway, and the agent's registration there. The registration is an HTTP request in a channel, and lasts as long as its response.</summary>
internal sealed class GatewayLink : IAsyncDisposable
{
    private const string EventStream = "text/event-stream";
    private const int MaxProblemLength = 64 * 1024;

    /// <summary>How long the end of a session without a registration may take. It has hardly any connections in use, and a gateway that hangs must not keep many such sessions.</summary>
    private static readonly TimeSpan s_abandonTimeout = TimeSpan.FromSeconds(5);

    private readonly AgentRuntime _runtime;
    private readonly ILogger _logger;
    private readonly MtaTlsClient _client;
    private readonly HttpMessageInvoker _http;
    private readonly CancellationTokenSource _ended = new();
    private readonly Lock _lock = new();
    private HttpResponseMessage? _response;
    private IAsyncEnumerator<SseItem<string>>? _events;
    private string _registration = "";
    private TimeSpan _silence = TimeSpan.FromMinutes(1);

    // Guarded by _lock.
    private Task? _announcement;
    private Task? _disposal;
    private bool _isRegistrationEnded;

    private volatile bool _expectsNoRequests;

    private GatewayLink(AgentRuntime runtime, Uri gateway, MtaTlsClient client)
    {
        _runtime = runtime;
        _client = client;
        _logger = runtime.Loggers.CreateLogger(AgentLog.Category);
        Gateway = gateway;
        _http = new HttpMessageInvoker(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }.UseMtaTls(client));
    }

    public Uri Gateway { get; }

    /// <summary>The session's id in logs.</summary>
    public string Id { get; } = RandomNumberGenerator.GetHexString(8, lowercase: true);

    /// <summary>The gateway's name (node).</summary>
    public string Node { get; private set; } = "";

    /// <summary>The HTTP connections that the gateway has opened.</summary>
    public LinkConnections Connections { get; } = new();

    /// <summary>The number of gateways that share their agents with this one; null: the gateway shares with none.</summary>
    public int? Nodes { get; private set; }

    /// <summary>The names that were granted.</summary>
    public IReadOnlyList<string> Granted { get; private set; } = [];

    /// <summary>The names that were refused.</summary>
    public IReadOnlyList<RefusedName> Refused { get; private set; } = [];

    /// <summary>The public URLs of granted names.</summary>
    public IReadOnlyDictionary<string, Uri> PublicUrls { get; private set; } = new Dictionary<string, Uri>();

    /// <summary>The failure for which <see cref="WaitAsync"/> returned null; null: the gateway ended the registration normally.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Connects and registers.</summary>
    /// <exception cref="RegistrationRefusedException">The gateway has refused the registration.</exception>
    public static async Task<GatewayLink> ConnectAsync(AgentRuntime runtime, Uri gateway, string instance, IReadOnlyList<string> avoid, CancellationToken cancellationToken)
    {
        GatewayLink? link = null;
        TaskCompletionSource<GatewayLink> begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        // The gateway may open the first channel before the link exists.
        MtaTlsClientOptions options = ClientOptions(runtime, gateway, async request => await runtime.OnChannelRequestedAsync(await begun.Task, request));
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(runtime.Plan.Options.ConnectTimeout);
        try
        {
            link = new GatewayLink(runtime, gateway, await MtaTlsClient.ConnectAsync(options, timeout.Token));
            begun.SetResult(link);
            await link.RegisterAsync(instance, avoid, timeout.Token);
            return link;
        }
        catch (Exception e)
        {
            begun.TrySetCanceled(CancellationToken.None);
            if (link is not null)
            {
                Task ended = runtime.EndAsync(link);
                // A gateway that has answered ends the session at once, and may limit the sessions of an agent. One that hangs must not delay the next attempt.
                if (e is RegistrationRefusedException)
                {
                    await ended.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }

            if (e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                throw new IOException($"{gateway} could not be reached within ConnectTimeout ({runtime.Plan.Options.ConnectTimeout}).", e);
            }

            throw;
        }
    }

    /// <summary>Waits until the registration ends or the gateway asks the agent to leave.</summary>
    /// <returns>The gateway's request to leave; null: the registration has ended.</returns>
    public async Task<DrainMessage?> WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                // The gateway sends a ping for each heartbeat. If they stop, the gateway hangs, even if its TCP connection is alive.
                if (!await _events!.MoveNextAsync().AsTask().WaitAsync(_silence, _runtime.Time, cancellationToken))
                {
                    _expectsNoRequests = true;
                    return null;
                }

                if (_events.Current.EventType == AgentProtocol.DrainEvent && JsonSerializer.Deserialize(_events.Current.Data, AgentJson.Default.DrainMessage) is { } drain)
                {
                    return drain with { Alternates = drain.Alternates ?? [] };
                }
            }
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            Failure = e is TimeoutException ? new IOException($"nothing was received for {_silence.TotalSeconds:0} s", e) : e;
            return null;
        }
    }

    /// <summary>Whether the gateway has announced the end of the session (go-away), or the session has ended.</summary>
    public bool IsSessionEnding => _client.GetSessions().All(static s => s.IsLeaving);

    /// <summary>
    /// Tells the gateway that the agent takes no new connections, and waits for its answer. Every call waits for the same answer. It does not throw: a gateway that can't be reached opens no connections either.
    /// </summary>
    public async Task AnnounceDrainAsync(CancellationToken cancellationToken)
    {
        Task announcement;
        lock (_lock)
        {
            announcement = _announcement ??= AnnounceAsync(cancellationToken);
        }

        await announcement.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task AnnounceAsync(CancellationToken cancellationToken)
    {
        // Yields first, because the caller holds the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            using HttpRequestMessage request = Request(HttpMethod.Patch, "/" + _registration);
            request.Content = JsonContent.Create(new RegistrationChange(true), AgentJson.Default.RegistrationChange);
            if (_runtime.Plan.Options.ConfigureRegistration is { } configure)
            {
                await configure(request, cancellationToken);
            }

            using HttpResponseMessage response = await _http.SendAsync(request, cancellationToken);
            // 404 proves nothing: a new session through a balancer may have reached another gateway.
            _expectsNoRequests |= response.IsSuccessStatusCode;
        }
        catch (Exception e)
        {
            _logger.DrainNotAnnounced(Gateway, e.Message);
        }
    }

    /// <summary>Ends the registration. Connections in use continue as long as they last, because neither end stops. Only <see cref="DisposeAsync()"/> limits their time.</summary>
    public async Task LeaveAsync()
    {
        await EndRegistrationAsync();
        if (_expectsNoRequests)
        {
            Connections.Close();
        }

        await Connections.WhenEmptyAsync();
        await DisposeAsync();
    }

    /// <summary>Waits for connections in use, at most <see cref="MtaTlsAgentOptions.DrainTimeout"/>, then ends the session. Every call waits until the session has ended.</summary>
    public ValueTask DisposeAsync() => DisposeAsync(_runtime.Plan.Options.DrainTimeout);

    /// <summary>Ends the session soon, because it has no registration.</summary>
    public ValueTask AbandonAsync()
    {
        TimeSpan drain = _runtime.Plan.Options.DrainTimeout;
        return DisposeAsync(drain < s_abandonTimeout ? drain : s_abandonTimeout);
    }

    private ValueTask DisposeAsync(TimeSpan timeout)
    {
        lock (_lock)
        {
            return new ValueTask(_disposal ??= EndAsync(timeout));
        }
    }

    private async Task EndAsync(TimeSpan timeout)
    {
        // Yields first, because the caller holds the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await EndRegistrationAsync();
        if (_expectsNoRequests)
        {
            // The gateway sends no more requests, and all that it has sent have arrived. So idle connections would only delay the end.
            Connections.Close();
            Connections.CloseTunnels();
        }

        await _client.DisposeAsync(timeout > TimeSpan.Zero ? timeout : TimeSpan.FromMilliseconds(1));
    }

    /// <summary>Ends the response to the registration, and with it the registration.</summary>
    private async Task EndRegistrationAsync()
    {
        lock (_lock)
        {
            if (_isRegistrationEnded)
            {
                return;
            }

            _isRegistrationEnded = true;
        }

        _runtime.Metrics.SessionEnded(Granted.Count > 0);
        await _ended.CancelAsync();
        _response?.Dispose();
        _http.Dispose();
    }

    private static MtaTlsClientOptions ClientOptions(AgentRuntime runtime, Uri gateway, Func<MtaTlsChannelRequest, Task> requested)
    {
        AgentPlan plan = runtime.Plan;
        MtaTlsClientOptions options = new()
        {
            Host = gateway.IdnHost.Trim('[', ']'),
            Port = gateway.Port,
            TargetHost = plan.Options.TargetHost,
            ExtensionType = plan.Options.ExtensionType,
            Mode = MtaTlsClientMode.Required,
            ConnectTimeout = plan.Options.ConnectTimeout,
            // The agent itself sends only HTTP/1.1. It needs exactly the one session, which this class replaces itself.
            ApplicationProtocols = [SslApplicationProtocol.Http11],
            MaxSessions = 1,
            ReplaceSessions = false,
            RemoteCertificateValidationCallback = plan.Options.RemoteCertificateValidationCallback,
            CertificateChainPolicy = plan.Options.CertificateChainPolicy,
            ConnectCallback = plan.Options.ConnectCallback,
            Limits = plan.Options.Limits,
            LoggerFactory = runtime.Loggers,
            TimeProvider = runtime.Time,
            ChannelRequested = (request, _) => new ValueTask(requested(request)),
        };
        GatewayCredentials.Apply(plan, options);
        return options;
    }

    private async Task RegisterAsync(string instance, IReadOnlyList<string> avoid, CancellationToken cancellationToken)
    {
        AgentPlan plan = _runtime.Plan;
        using HttpRequestMessage request = Request(HttpMethod.Post, "");
        request.Content = JsonContent.Create(
            new RegistrationRequest(plan.Agent, instance, plan.RegisteredNames, plan.Options.Weight, plan.Options.Protocols.ToString(), avoid.Count == 0 ? null : avoid), AgentJson.Default.RegistrationRequest);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(EventStream));
        if (plan.Options.ConfigureRegistration is { } configure)
        {
            await configure(request, cancellationToken);
        }

        _response = await _http.SendAsync(request, cancellationToken);
        if (_response.StatusCode != HttpStatusCode.OK || _response.Content.Headers.ContentType?.MediaType != EventStream)
        {
            throw await RefusalAsync(_response, cancellationToken);
        }

        Stream body = await _response.Content.ReadAsStreamAsync(cancellationToken);
        _events = SseParser.Create(body).EnumerateAsync(_ended.Token).GetAsyncEnumerator(_ended.Token);
        RegisteredMessage? registered = await _events.MoveNextAsync().AsTask().WaitAsync(cancellationToken) && _events.Current.EventType == AgentProtocol.RegisteredEvent
            ? JsonSerializer.Deserialize(_events.Current.Data, AgentJson.Default.RegisteredMessage)
            : null;
        if (registered is not { Id: not null, Granted.Count: > 0 })
        {
            throw new RegistrationRefusedException(Gateway, $"{Gateway} has not sent the event 'registered' with a granted name.", isFinal: false);
        }

        (_registration, Node, Granted) = (registered.Id, registered.Node ?? "", registered.Granted);
        // A ping may be 10 s late. After that the gateway counts as hung.
        _silence = TimeSpan.FromSeconds(Math.Clamp(registered.Heartbeat, 1, 3_600)) + TimeSpan.FromSeconds(10);
        Nodes = registered.Nodes;
        Refused = registered.Refused ?? [];
        PublicUrls = ReadUrls(registered.Urls);
        foreach (RefusedName refused in Refused)
        {
            _logger.NameRefused(Gateway, refused.Name, refused.Reason);
        }

        _runtime.Metrics.SessionStarted();
        _logger.Registered(Gateway, Node, Id, string.Join(", ", Granted));
    }

    /// <summary>Reads the gateway's URLs. Apps may show them to users, so only http and https URLs are accepted.</summary>
    private Dictionary<string, Uri> ReadUrls(IReadOnlyDictionary<string, string>? urls)
    {
        Dictionary<string, Uri> read = [];
        foreach (string name in Granted)
        {
            if (urls?.TryGetValue(name, out string? text) == true && Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp))
            {
                read[name] = url;
            }
        }

        return read;
    }

    private HttpRequestMessage Request(HttpMethod method, string path) => new(method, new Uri(Gateway, AgentProtocol.Path + path)) { Version = HttpVersion.Version11 };

    private async Task<RegistrationRefusedException> RefusalAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        RegistrationProblem? problem = null;
        try
        {
            await response.Content.LoadIntoBufferAsync(MaxProblemLength, cancellationToken);
            problem = await response.Content.ReadFromJsonAsync(AgentJson.Default.RegistrationProblem, cancellationToken);
        }
        catch (Exception e) when (e is JsonException or HttpRequestException or InvalidOperationException or NotSupportedException)
        {
            // The body is not this protocol's problem document, so the message has only the status.
        }

        string names = string.Join(", ", (problem?.Refused ?? []).Select(static r => $"{r.Name} ({r.Reason})"));
        return new RegistrationRefusedException(
            Gateway,
            $"{Gateway} answered {(int)response.StatusCode} {problem?.Title ?? response.ReasonPhrase}{(problem?.Detail is { } detail ? $": {detail}" : "")}{(names.Length > 0 ? $" {names}" : "")}",
            isFinal: response.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized or HttpStatusCode.BadRequest or HttpStatusCode.NotFound,
            isOtherNode: response.StatusCode == HttpStatusCode.Conflict && problem?.Type == AgentProtocol.OtherNode);
    }
}
