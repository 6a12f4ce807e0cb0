namespace Aspire.Hosting.ApplicationModel;

/// <summary>A gateway with MTA-TLS: the command <c>mtatls serve</c> as a resource of an app host.</summary>
/// <remarks>
/// <see cref="MtaTlsGatewayResourceBuilderExtensions.AddMtaTlsGateway"/> adds it. An app that refers to it gets the gateway's address in its sections <c>MtaTlsAgent</c> and
/// <c>MtaTlsClient</c>.
/// </remarks>
public sealed class MtaTlsGatewayResource : ExecutableResource
{
    internal const string HttpsEndpointName = "https";
    internal const string HealthEndpointName = "health";

    private EndpointReference? _https;

    /// <summary>Creates the resource, without endpoints and arguments.</summary>
    /// <param name="name">The resource's name.</param>
    /// <param name="command">The program: a name in <c>PATH</c>, or a path.</param>
    /// <param name="workingDirectory">The folder that the program runs in.</param>
    public MtaTlsGatewayResource(string name, string command, string workingDirectory)
        : base(name, command, workingDirectory)
    {
    }

    /// <summary>The endpoint for agents, clients and browsers. It speaks MTA-TLS with those that offer it, and HTTPS with all others.</summary>
    /// <value>The endpoint <c>https</c>.</value>
    public EndpointReference HttpsEndpoint => _https ??= new EndpointReference(this, HttpsEndpointName);

    /// <summary>How many rules for agents were added.</summary>
    internal int AgentRules { get; set; }

    /// <summary>How many routes were added.</summary>
    internal int Routes { get; set; }

    /// <summary>The configuration file; null: environment variables alone.</summary>
    internal string? ConfigurationPath { get; set; }
}
