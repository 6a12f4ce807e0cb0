namespace Aspire.Hosting.ApplicationModel;

/// <summary>A gateway with MTA-TLS: the command <c>mtatls serve</c> as a resource of an app host.</summary>
/// <remarks>
/// <see cref="MtaTlsGatewayResourceBuilderExtensions.AddMtaTlsGateway"/> adds it. An app with a reference to it gets the gateway's address in its configuration sections <c>MtaTlsAgent</c> and
/// <c>MtaTlsClient</c>.
/// </remarks>
public sealed class MtaTlsGatewayResource : ExecutableResource
{
    internal const string HttpsEndpointName = "https";
    internal const string HealthEndpointName = "health";

    private EndpointReference? _https;

    /// <summary>Creates the resource, without endpoints and arguments.</summary>
    /// <param name="name">The resource's name.</param>
    /// <param name="command">The program: a name that is in <c>PATH</c>, or a path.</param>
    /// <param name="workingDirectory">The program's working folder.</param>
    public MtaTlsGatewayResource(string name, string command, string workingDirectory)
        : base(name, command, workingDirectory)
    {
    }

    /// <summary>The endpoint for agents, clients and browsers. Clients that offer MTA-TLS get channels. All others get ordinary HTTPS.</summary>
    /// <value>The endpoint <c>https</c>.</value>
    public EndpointReference HttpsEndpoint => _https ??= new EndpointReference(this, HttpsEndpointName);

    /// <summary>The number of rules for agents that were added.</summary>
    internal int AgentRules { get; set; }

    /// <summary>The number of routes that were added.</summary>
    internal int Routes { get; set; }

    /// <summary>The configuration file; null: only environment variables.</summary>
    internal string? ConfigurationPath { get; set; }
}
