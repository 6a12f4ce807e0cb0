using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using MtaTls.Agents;
using MtaTls.ReverseProxy.Agents;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the endpoint at which agents register, and forwards requests to agents.</summary>
public static class MtaTlsAgentsEndpointRouteBuilderExtensions
{
    private const string Placeholder = "{name}";

    /// <summary>
    /// Maps <c>/.well-known/mta-tls/agents</c>, at which agents register in a channel of their session. Authentication, authorization, rate limiting and logging apply to it as to any endpoint.
    /// <c>MtaTls:Agents:Rules</c> decides which names an agent may take.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <returns>A builder for conventions such as <c>RequireAuthorization(...)</c>.</returns>
    /// <exception cref="InvalidOperationException"><c>AddMtaTlsAgents()</c> was not called.</exception>
    public static IEndpointConventionBuilder MapMtaTlsAgents(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        AgentEndpoints agents = Service<AgentEndpoints>(endpoints, nameof(MapMtaTlsAgents));
        RouteGroupBuilder group = endpoints.MapGroup(AgentProtocol.Path);
        group.MapPost("", (RequestDelegate)agents.RegisterAsync).WithDisplayName("MTA-TLS agents: register");
        group.MapMethods("{id}", [HttpMethods.Patch], context => agents.ChangeAsync(context, Id(context))).WithDisplayName("MTA-TLS agents: drain");
        group.MapDelete("{id}", context => agents.EndAsync(context, Id(context))).WithDisplayName("MTA-TLS agents: end");
        return group;
    }

    /// <summary>
    /// Forwards requests to agents by the request's host, without routes and clusters. It is for many and changing names. Every client that may use the endpoint reaches every name of the pattern.
    /// </summary>
    /// <remarks>
    /// A name that no agent has had for five minutes is answered 404. A request for another name without an agent waits <c>MtaTls:Agents:WaitForAgent</c>, and is then answered 503 with Retry-After. While a
    /// shared directory can't be asked, unknown names are answered 503 too.
    /// </remarks>
    /// <param name="endpoints">The application.</param>
    /// <param name="hostPattern">The hosts, with <c>{name}</c> for one or more labels: <c>{name}.agents.example.com</c>.</param>
    /// <param name="agentName">The agent's name, in which <c>{name}</c> stands for the same labels: <c>{name}.internal</c>. Default: <c>{name}</c>, the labels themselves.</param>
    /// <returns>A builder for conventions such as <c>RequireAuthorization(...)</c>.</returns>
    /// <exception cref="ArgumentException"><paramref name="hostPattern"/> or <paramref name="agentName"/> has no <c>{name}</c>.</exception>
    /// <exception cref="InvalidOperationException"><c>AddMtaTlsAgents()</c> was not called.</exception>
    public static IEndpointConventionBuilder MapMtaTlsAgentForwarder(this IEndpointRouteBuilder endpoints, string hostPattern, string agentName = Placeholder)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(hostPattern);
        ArgumentNullException.ThrowIfNull(agentName);
        string[] parts = hostPattern.Split(Placeholder);
        if (parts.Length != 2 || (parts[0].Length > 0 && !parts[0].EndsWith('.')) || !parts[1].StartsWith('.'))
        {
            throw new ArgumentException($"'{hostPattern}' is not a host name with the label {Placeholder}, such as {Placeholder}.agents.example.com.", nameof(hostPattern));
        }

        if (!agentName.Contains(Placeholder, StringComparison.Ordinal))
        {
            throw new ArgumentException($"'{agentName}' does not contain {Placeholder}.", nameof(agentName));
        }

        Regex pattern = new($"^{Regex.Escape(parts[0])}(?<name>[a-z0-9_.-]+){Regex.Escape(parts[1])}$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
        Service<AgentPublicUrls>(endpoints, nameof(MapMtaTlsAgentForwarder)).Add(hostPattern, agentName);
        AgentForwarder forwarder = Service<AgentForwarder>(endpoints, nameof(MapMtaTlsAgentForwarder));
        return endpoints.Map("/{**path}", context => forwarder.ForwardAsync(context, pattern, agentName)).RequireHost($"*{parts[1]}").WithDisplayName("MTA-TLS agents: forwarder");
    }

    private static string Id(HttpContext context) => context.GetRouteValue("id") as string ?? "";

    private static T Service<T>(IEndpointRouteBuilder endpoints, string method)
        where T : class
        => endpoints.ServiceProvider.GetService<T>() ?? throw new InvalidOperationException($"{method}() needs services that are not registered. Call builder.Services.AddReverseProxy().AddMtaTlsAgents().");
}
