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

/// <summary>One session with one gateway, and the agent's registration there: an HTTP request in a channel whose answer lasts as long as the registration does.</summary>
internal sealed class GatewayLink : IAsyncDisposable
{
    private const string EventStream = "text/event-stream";
    private const int MaxProblemLength = 64 * 1024;

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
    private Task? _disposal;   // guarded by _lock
    private int _draining;
    private volatile bool _announced;

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

    /// <summary>The name of the gateway's node.</summary>
    public string Node { get; private set; } = "";

    /// <summary>What the gateway has opened and is served over HTTP.</summary>
    public LinkConnections Connections { get; } = new();

    /// <summary>How many gateways share their agents; null: the gateway is alone.</summary>
    public int? Nodes { get; private set; }

    /// <summary>The names that were granted.</summary>
    public IReadOnlyList<string> Granted { get; private set; } = [];

    /// <summary>The names that were refused.</summary>
    public IReadOnlyList<RefusedName> Refused { get; private set; } = [];

    /// <summary>Where granted names can be reached.</summary>
    public IReadOnlyDictionary<string, Uri> PublicUrls { get; private set; } = new Dictionary<string, Uri>();

    /// <summary>Why <see cref="WaitAsync"/> returned null; null where the gateway ended the registration in order.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Connects and registers.</summary>
    /// <exception cref="RegistrationRefusedException">The gateway grants nothing.</exception>
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
                await link.DisposeAsync();
            }

            if (e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                throw new IOException($"{gateway} could not be reached within ConnectTimeout ({runtime.Plan.Options.ConnectTimeout}).", e);
            }

            throw;
        }
    }

    /// <summary>Waits until the registration ends or the gateway asks the agent to leave.</summary>
    /// <returns>The gateway's wish; null where the registration has ended.</returns>
    public async Task<DrainMessage?> WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                // Pings come at the heartbeat's pace; without them the gateway has hung, even if TCP still lives.
                if (!await _events!.MoveNextAsync().AsTask().WaitAsync(_silence, _runtime.Time, cancellationToken))
                {
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

    /// <summary>Tells the gateway that no new connection is taken, and waits for its answer. Does not throw: a gateway that is gone sends nothing either.</summary>
    public async Task AnnounceDrainAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _draining, 1) != 0)
        {
            return;
        }

        try
        {
            using HttpRequestMessage request = Request(HttpMethod.Patch, "/" + _registration);
            request.Content = JsonContent.Create(new RegistrationChange(true), AgentJson.Default.RegistrationChange);
            if (_runtime.Plan.Options.ConfigureRegistration is { } configure)
            {
                await configure(request, cancellationToken);
            }

            using HttpResponseMessage response = await _http.SendAsync(request, cancellationToken);
            _announced = response.IsSuccessStatusCode;
        }
        catch (Exception e)
        {
            _logger.DrainNotAnnounced(Gateway, e.Message);
        }
    }

    /// <summary>Waits for connections that are in use, at most <see cref="MtaTlsAgentOptions.DrainTimeout"/>, then ends the session.</summary>
    /// <remarks>Every call waits for that.</remarks>
    public ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            return new ValueTask(_disposal ??= EndAsync());
        }
    }

    private async Task EndAsync()
    {
        // Leaves the lock of the caller before anything else happens.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        _runtime.Metrics.SessionEnded(Granted.Count > 0);
        // The end of the answer ends the registration.
        await _ended.CancelAsync();
        if (_announced)
        {
            // The gateway sends nothing more, and what it has sent has arrived: a connection without a request would only hold up the end.
            Connections.Close();
        }

        _response?.Dispose();
        _http.Dispose();
        await _client.DisposeAsync();
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
            // All that the agent itself sends is HTTP/1.1; the one session of it is the one that was connected.
            ApplicationProtocols = [SslApplicationProtocol.Http11],
            MaxSessions = 1,
            ReplaceSessions = false,
            RemoteCertificateValidationCallback = plan.Options.RemoteCertificateValidationCallback,
            CertificateChainPolicy = plan.Options.CertificateChainPolicy,
            ConnectCallback = plan.Options.ConnectCallback,
            Limits = plan.Options.Limits,
            LoggerFactory = runtime.Loggers,
            TimeProvider = runtime.Time,
            ShutdownTimeout = plan.Options.DrainTimeout > TimeSpan.Zero ? plan.Options.DrainTimeout : TimeSpan.FromMilliseconds(1),
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
        // Two heartbeats may be lost on the way; a hung gateway is found after the third.
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

    /// <summary>They are the gateway's words and shown to people: only what is a URL of HTTP counts.</summary>
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
            // No problem of ours: the status says enough.
        }

        string names = string.Join(", ", (problem?.Refused ?? []).Select(static r => $"{r.Name} ({r.Reason})"));
        return new RegistrationRefusedException(
            Gateway,
            $"{Gateway} answered {(int)response.StatusCode} {problem?.Title ?? response.ReasonPhrase}{(problem?.Detail is { } detail ? $": {detail}" : "")}{(names.Length > 0 ? $" {names}" : "")}",
            isFinal: response.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized or HttpStatusCode.BadRequest or HttpStatusCode.NotFound,
            isOtherNode: response.StatusCode == HttpStatusCode.Conflict && problem?.Type == AgentProtocol.OtherNode);
    }
}
