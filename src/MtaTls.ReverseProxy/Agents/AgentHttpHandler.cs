using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Logging;
using MtaTls.Agents;
using MtaTls.Protocol;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Configuration;
using MtaTls.ReverseProxy.Diagnostics;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>
/// Sends a request to the agent that its address names. If no channel to that agent can be opened, nothing was sent, so any request goes to another agent. If there is no other agent, the request waits.
/// A request that was sent to an agent that is then lost is sent again only if its method is safe (GET, HEAD, OPTIONS) and it has no body.
/// </summary>
internal sealed class AgentHttpHandler(HttpMessageHandler inner, AgentSelector selector, AgentRegistry registry, RemoteAgents? remote, AgentHealth health, ReverseProxySettings settings, AgentMetrics metrics, TimeProvider time, ILogger logger)
    : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.RequestUri is not { } uri || !TryFindName(request, uri, out string? preferred, out AgentName name))
        {
            return await base.SendAsync(request, cancellationToken);
        }

        request.Headers.Host ??= name.ToString();
        if (request.Content is null && !IsIdempotent(request.Method))
        {
            // SocketsHttpHandler itself repeats a request without content, of any method, when a pooled connection ends without an answer. Empty content prevents that.
            request.Content = new ByteArrayContent([]);
        }

        await selector.LoadAsync(name, cancellationToken);
        long begin = time.GetTimestamp();
        HashSet<string> tried = [];
        HashSet<string>? lost = null;
        while (true)
        {
            AgentMember? member = preferred is null ? null : selector.Find(name, preferred);
            bool isPreferred = member is not null;
            preferred = null;
            member ??= selector.Pick(name, tried);
            if (member is null)
            {
                TimeSpan left = settings.Current.Agents.Options.WaitForAgent - time.GetElapsedTime(begin);
                if (!await selector.WaitAsync(name, tried, left, cancellationToken))
                {
                    return Unavailable(request);
                }

                // The request itself may have crashed these agents, so it is not sent to them again.
                tried.UnionWith(lost ?? []);
                continue;
            }

            ISendGate? gate = registry.Find(member.Id);
            bool hasLeft = gate is null && member.Node == settings.Current.Node;
            gate ??= remote?.Of(member);
            if (hasLeft || (gate is not null && !gate.TryBeginSending()))
            {
                tried.Add(member.Id);
                continue;
            }

            try
            {
                request.RequestUri = isPreferred ? uri : new UriBuilder(uri) { Host = AgentAuthority.Of(member.Id, name) }.Uri;
                request.Options.Set(AgentRequest.Member, member);
                return await base.SendAsync(request, cancellationToken);
            }
            catch (HttpRequestException e) when (Unopened(e) is { } unopened && !cancellationToken.IsCancellationRequested)
            {
                tried.Add(member.Id);
                health.Failed(member);
                metrics.Retried();
                logger.AnotherAgent(member.Name, unopened.Message);
            }
            catch (HttpRequestException e) when (IsSafe(request) && !(lost?.Count >= AgentSelector.MaxTried) && IsLost(e) && !cancellationToken.IsCancellationRequested)
            {
                tried.Add(member.Id);
                (lost ??= []).Add(member.Id);
                metrics.Retried();
                logger.AnotherAgent(member.Name, e.Message);
            }
            finally
            {
                gate?.EndSending();
            }
        }
    }

    private static bool TryFindName(HttpRequestMessage request, Uri uri, out string? registration, out AgentName name)
    {
        registration = null;
        return request.Options.TryGetValue(AgentRequest.Name, out name) || AgentAuthority.TryParse(uri.Host, out registration, out name);
    }

    /// <summary>The failure to open a channel; null: the request may have been sent.</summary>
    private static AgentUnavailableException? Unopened(Exception? e)
    {
        while (e is not (null or AgentUnavailableException))
        {
            e = e.InnerException;
        }

        return (AgentUnavailableException?)e;
    }

    private static bool IsLost(HttpRequestException e) => e.InnerException is IOException || e.HttpRequestError is HttpRequestError.ResponseEnded or HttpRequestError.Unknown && e.StatusCode is null && e.InnerException is MtaTlsSessionException or MtaTlsChannelException;

    private static bool IsSafe(HttpRequestMessage request) =>
        request.Content is null && (request.Method == HttpMethod.Get || request.Method == HttpMethod.Head || request.Method == HttpMethod.Options);

    private static bool IsIdempotent(HttpMethod method) =>
        method == HttpMethod.Get || method == HttpMethod.Head || method == HttpMethod.Options || method == HttpMethod.Trace || method == HttpMethod.Put || method == HttpMethod.Delete || method == HttpMethod.Connect;

    private HttpResponseMessage Unavailable(HttpRequestMessage request)
    {
        HttpResponseMessage response = new(HttpStatusCode.ServiceUnavailable) { RequestMessage = request, Version = HttpVersion.Version11, Content = new ByteArrayContent([]) };
        double seconds = Math.Max(1, Math.Ceiling(settings.Current.Agents.Options.WaitForAgent.TotalSeconds));
        response.Headers.RetryAfter = RetryConditionHeaderValue.Parse(seconds.ToString(CultureInfo.InvariantCulture));
        return response;
    }
}
