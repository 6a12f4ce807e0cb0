using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using MtaTls.Agents;
using MtaTls.ReverseProxy.Agents;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps where agents register, and requests to agents.</summary>
public static class MtaTlsAgentsEndpointRouteBuilderExtensions
{
    private const string Placeholder = "{name}";

    /// <summary>
    /// Maps <c>/.well-known/mta-tls/agents</c>, where agents register in a channel of their session. The endpoint is an ordinary one: authentication, authorization, rate limiting and logs apply to it.
    /// Which names an agent may take is decided by <c>MtaTls:Agents:Rules</c>.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <returns>Conventions of the endpoint, for <c>RequireAuthorization(...)</c>.</returns>
    /// <exception cref="InvalidOperationException">The services are missing.</exception>
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
    /// Forwards requests for hosts of a pattern to the agents that have registered the name, without routes and clusters: for many and changing names. A name that no agent has had for five minutes is
    /// answered 404. Every client that may use the endpoint reaches every name of the pattern.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="hostPattern">The hosts, with <c>{name}</c> for one or more labels: <c>{name}.agents.example.com</c>.</param>
    /// <param name="agentName">The agent's name, with <c>{name}</c> for what the host has there. Default: <c>{name}</c> itself.</param>
    /// <returns>Conventions of the endpoint.</returns>
    /// <exception cref="ArgumentException">A pattern has no <c>{name}</c>.</exception>
    /// <exception cref="InvalidOperationException">The services are missing.</exception>
    public static IEndpointConventionBuilder MapMtaTlsAgentForwarder(this IEndpointRouteBuilder endpoints, string hostPattern, string agentName = Placeholder)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(hostPattern);
        ArgumentNullException.ThrowIfNull(agentName);
        string[] parts = hostPattern.Split(Placeholder);
        if (parts.Length != 2 || (parts[0].Length > 0 && !parts[0].EndsWith('.')) || !parts[1].StartsWith('.'))
        {
            throw new ArgumentException($"'{hostPattern}' is not a host with the label {Placeholder}, such as {Placeholder}.agents.example.com.", nameof(hostPattern));
        }

        if (!agentName.Contains(Placeholder, StringComparison.Ordinal))
        {
            throw new ArgumentException($"'{agentName}' has no {Placeholder}.", nameof(agentName));
        }

        Regex pattern = new($"^{Regex.Escape(parts[0])}(?<name>[a-z0-9_.-]+){Regex.Escape(parts[1])}$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
        Service<AgentPublicUrls>(endpoints, nameof(MapMtaTlsAgentForwarder)).Add(hostPattern, agentName);
        AgentForwarder forwarder = Service<AgentForwarder>(endpoints, nameof(MapMtaTlsAgentForwarder));
        return endpoints.Map("/{**path}", context => forwarder.ForwardAsync(context, pattern, agentName)).RequireHost($"*{parts[1]}").WithDisplayName("MTA-TLS agents: forwarder");
    }

    private static string Id(HttpContext context) => context.GetRouteValue("id") as string ?? "";

    private static T Service<T>(IEndpointRouteBuilder endpoints, string method)
        where T : class
        => endpoints.ServiceProvider.GetService<T>() ?? throw new InvalidOperationException($"{method}() needs its services: call builder.Services.AddReverseProxy().AddMtaTlsAgents().");
}
