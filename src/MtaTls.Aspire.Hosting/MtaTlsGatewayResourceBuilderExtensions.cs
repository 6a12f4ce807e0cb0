using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using MtaTls.Aspire.Hosting;

#pragma warning disable IDE0130 // Extension methods are in the namespace of the extended types.
namespace Aspire.Hosting;
#pragma warning restore IDE0130

/// <summary>Adds gateways with MTA-TLS to an app host, and references to them.</summary>
public static class MtaTlsGatewayResourceBuilderExtensions
{
    /// <summary>Adds a gateway with MTA-TLS: the command <c>mtatls serve</c> of the .NET tool <c>mtatls</c>, which must be installed.</summary>
    /// <param name="builder">The app host's builder.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="port">The port of the endpoint <c>https</c>, 1 to 65,535; null: Aspire chooses one.</param>
    /// <returns>The gateway's builder.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The port is out of range.</exception>
    /// <remarks>
    /// <para>
    /// The gateway listens on this machine only. Its certificate is the developer certificate of ASP.NET Core, or that of <c>WithHttpsCertificate</c>. With <c>WithoutHttpsCertificate</c> it uses the certificate of
    /// its configuration file. It is healthy as soon as it serves, and <c>WaitFor</c> waits for that.
    /// </para>
    /// <para>
    /// <c>WithCommand(path)</c> sets another program than <c>mtatls</c> in <c>PATH</c>. Without <see cref="WithAgents"/>, <see cref="WithRoute"/> or <see cref="WithConfiguration"/> the gateway has no routes. Set further
    /// settings with <c>WithEnvironment</c>; those of the endpoint begin with <c>MtaTls__Endpoints__Aspire</c>.
    /// </para>
    /// </remarks>
    /// <example>
    /// <code lang="csharp">
    /// var gateway = builder.AddMtaTlsGateway("gw").WithAgents("*.dev.localhost");
    /// builder.AddProject("shop", "../Shop/Shop.csproj").WithReference(gateway).WaitFor(gateway);
    /// </code>
    /// </example>
    public static IResourceBuilder<MtaTlsGatewayResource> AddMtaTlsGateway(this IDistributedApplicationBuilder builder, [ResourceName] string name, int? port = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (port is < 1 or > 65_535)
        {
            throw new ArgumentOutOfRangeException(nameof(port), port, "The port must be from 1 to 65535.");
        }

        var gateway = new MtaTlsGatewayResource(name, "mtatls", builder.AppHostDirectory);
        return builder.AddResource(gateway)
            .WithHttpsEndpoint(port, name: MtaTlsGatewayResource.HttpsEndpointName)
            .WithHttpEndpoint(name: MtaTlsGatewayResource.HealthEndpointName)
            .WithUrlForEndpoint(MtaTlsGatewayResource.HealthEndpointName, static url => url.DisplayLocation = UrlDisplayLocation.DetailsOnly)
            .WithHttpHealthCheck("/ready", endpointName: MtaTlsGatewayResource.HealthEndpointName)
            .WithArgs(context => GatewaySettings.AddArguments(gateway, context.Args))
            .WithEnvironment(context => GatewaySettings.AddEnvironment(gateway, context.EnvironmentVariables))
            .WithHttpsCertificateConfiguration(static context =>
            {
                context.EnvironmentVariables[GatewaySettings.CertificatePath] = context.CertificatePath;
                context.EnvironmentVariables[GatewaySettings.CertificateKeyPath] = context.KeyPath;
                return Task.CompletedTask;
            });
    }

    /// <summary>Sets the gateway's configuration file, with channel routes, agents, YARP routes, limits or logging.</summary>
    /// <param name="builder">The gateway's builder.</param>
    /// <param name="path">The path of the file, relative to the app host's folder.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <remarks>
    /// The app host adds settings to those of the file: the endpoint <c>MtaTls:Endpoints:Aspire</c>, <c>Gateway:HealthUrl</c>, and rules and routes, which come after those of the file.
    /// </remarks>
    public static IResourceBuilder<MtaTlsGatewayResource> WithConfiguration(this IResourceBuilder<MtaTlsGatewayResource> builder, string path)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(path);
        builder.Resource.ConfigurationPath = Path.GetFullPath(path, builder.ApplicationBuilder.AppHostDirectory);
        return builder;
    }

    /// <summary>Lets agents take names, and forwards requests for these hosts to them.</summary>
    /// <param name="builder">The gateway's builder.</param>
    /// <param name="names">
    /// At least one name: <c>shop.dev.localhost</c>, <c>*.dev.localhost</c> for every name below it, or <c>ssh.dev.localhost:22</c> for a TCP service, which also needs a channel route.
    /// </param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <exception cref="ArgumentException">There is no name, or a name is empty.</exception>
    /// <remarks>
    /// Every agent that reaches the gateway may take these names. For rules with conditions use the file of <see cref="WithConfiguration"/>. The developer certificate of .NET 10 is valid for names below
    /// <c>dev.localhost</c>.
    /// </remarks>
    public static IResourceBuilder<MtaTlsGatewayResource> WithAgents(this IResourceBuilder<MtaTlsGatewayResource> builder, params string[] names)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(names);
        if (names.Length == 0 || names.Any(string.IsNullOrWhiteSpace))
        {
            throw new ArgumentException("At least one name is required, and no name may be empty.", nameof(names));
        }

        int rule = builder.Resource.AgentRules++;
        return builder.WithEnvironment(context => GatewaySettings.AddAgents(rule, names, context.EnvironmentVariables));
    }

    /// <summary>Routes a host to an endpoint of the app host.</summary>
    /// <param name="builder">The gateway's builder.</param>
    /// <param name="host">The host of requests, or the destination of channels: <c>shop.dev.localhost</c>, <c>redis.internal</c>.</param>
    /// <param name="endpoint">
    /// The endpoint. If its scheme is <c>http</c> or <c>https</c>, YARP forwards requests to it, from channels and from browsers. Otherwise channels are forwarded to it as TCP connections.
    /// </param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <remarks>Every client that reaches the gateway may use the route. For routes with conditions use the file of <see cref="WithConfiguration"/>.</remarks>
    public static IResourceBuilder<MtaTlsGatewayResource> WithRoute(this IResourceBuilder<MtaTlsGatewayResource> builder, string host, EndpointReference endpoint)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(host);
        ArgumentNullException.ThrowIfNull(endpoint);
        int route = builder.Resource.Routes++;
        return builder
            .WithEnvironment(context => GatewaySettings.AddRoute(route, host, endpoint, context.EnvironmentVariables))
            .WithReferenceRelationship(endpoint.Resource);
    }

    /// <summary>Adds a reference to the gateway, so that the app reaches it as an agent, as a client, and by service discovery.</summary>
    /// <typeparam name="TDestination">The type of the app's resource.</typeparam>
    /// <param name="builder">The app's builder.</param>
    /// <param name="gateway">The gateway's builder.</param>
    /// <param name="agentNames">The names that the app takes as an agent. Default: none, the names in the app's own configuration.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <exception cref="ArgumentException">A name is empty.</exception>
    /// <remarks>
    /// It sets <c>MtaTlsAgent:Gateways</c> (and <c>Names</c>) for <c>UseMtaTlsAgent()</c>, <c>MtaTlsClient:Endpoints</c> for <c>UseMtaTls()</c> of <c>HttpClient</c>, and the variables of
    /// <c>WithReference(endpoint)</c>. With several gateways an agent spreads its sessions over them, and a client uses any of them. Aspire makes the app trust the developer certificate.
    /// </remarks>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, IResourceBuilder<MtaTlsGatewayResource> gateway, params string[] agentNames)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(gateway);
        ArgumentNullException.ThrowIfNull(agentNames);
        if (agentNames.Any(string.IsNullOrWhiteSpace))
        {
            throw new ArgumentException("No name may be empty.", nameof(agentNames));
        }

        EndpointReference https = gateway.Resource.HttpsEndpoint;
        int number = builder.Resource.Annotations.OfType<GatewayReferenceAnnotation>().Count();
        int firstName = builder.Resource.Annotations.OfType<GatewayReferenceAnnotation>().Sum(static a => a.Names);
        builder.Resource.Annotations.Add(new GatewayReferenceAnnotation(agentNames.Length));
        return builder.WithReference(https).WithEnvironment(context =>
        {
            context.EnvironmentVariables[string.Create(CultureInfo.InvariantCulture, $"MtaTlsAgent__Gateways__{number}")] = https;
            context.EnvironmentVariables[string.Create(CultureInfo.InvariantCulture, $"MtaTlsClient__Endpoints__{number}")] = https.Property(EndpointProperty.HostAndPort);
            for (int i = 0; i < agentNames.Length; i++)
            {
                context.EnvironmentVariables[string.Create(CultureInfo.InvariantCulture, $"MtaTlsAgent__Names__{firstName + i}")] = agentNames[i];
            }
        });
    }
}
