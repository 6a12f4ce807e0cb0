using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using MtaTls.Aspire.Hosting;

#pragma warning disable IDE0130 // In the namespace of what is extended.
namespace Aspire.Hosting;
#pragma warning restore IDE0130

/// <summary>Adds gateways with MTA-TLS to an app host, and refers to them.</summary>
public static class MtaTlsGatewayResourceBuilderExtensions
{
    /// <summary>Adds a gateway with MTA-TLS: the command <c>mtatls serve</c>, which the .NET tool <c>mtatls</c> installs.</summary>
    /// <param name="builder">The app host's builder.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="port">The port of the endpoint <c>https</c>, 1 to 65,535; null: Aspire chooses one.</param>
    /// <returns>The gateway's builder.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The port is out of its range.</exception>
    /// <remarks>
    /// <para>
    /// The gateway listens on this machine only. Its certificate is the developer certificate of ASP.NET Core, or that of <c>WithHttpsCertificate</c>; with <c>WithoutHttpsCertificate</c> it
    /// is that of the configuration file. It is healthy as soon as it serves, and <c>WaitFor</c> waits for that.
    /// </para>
    /// <para>
    /// Another program than <c>mtatls</c> of <c>PATH</c>: <c>WithCommand(path)</c>. Without <see cref="WithAgents"/>, <see cref="WithRoute"/> or <see cref="WithConfiguration"/> it serves
    /// nothing. Each setting of the gateway can be given with <c>WithEnvironment</c>; its endpoint is <c>MtaTls__Endpoints__Aspire</c>.
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
            throw new ArgumentOutOfRangeException(nameof(port), port, "The port is 1 to 65535.");
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

    /// <summary>Gives the gateway a configuration file: channel routes, agents, YARP's routes, limits, logging.</summary>
    /// <param name="builder">The gateway's builder.</param>
    /// <param name="path">The file, relative to the app host's folder.</param>
    /// <returns>The builder.</returns>
    /// <remarks>
    /// What the app host adds comes beside it: the endpoint <c>MtaTls:Endpoints:Aspire</c>, <c>Gateway:HealthUrl</c>, and rules and routes behind those of the file.
    /// </remarks>
    public static IResourceBuilder<MtaTlsGatewayResource> WithConfiguration(this IResourceBuilder<MtaTlsGatewayResource> builder, string path)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(path);
        builder.Resource.ConfigurationPath = Path.GetFullPath(path, builder.ApplicationBuilder.AppHostDirectory);
        return builder;
    }

    /// <summary>Lets agents take names, and serves them under these hosts.</summary>
    /// <param name="builder">The gateway's builder.</param>
    /// <param name="names">
    /// <c>shop.dev.localhost</c>, <c>*.dev.localhost</c> for each name below it, or <c>ssh.dev.localhost:22</c> for a TCP service, which needs a channel route of its own. At least one.
    /// </param>
    /// <returns>The builder.</returns>
    /// <exception cref="ArgumentException">No name, or an empty one.</exception>
    /// <remarks>
    /// Every agent that reaches the gateway may take them. Rules with conditions belong into the file of <see cref="WithConfiguration"/>. Names below <c>dev.localhost</c> are in the
    /// developer certificate of .NET 10.
    /// </remarks>
    public static IResourceBuilder<MtaTlsGatewayResource> WithAgents(this IResourceBuilder<MtaTlsGatewayResource> builder, params string[] names)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(names);
        if (names.Length == 0 || names.Any(string.IsNullOrWhiteSpace))
        {
            throw new ArgumentException("Give the names that agents may take.", nameof(names));
        }

        int rule = builder.Resource.AgentRules++;
        return builder.WithEnvironment(context => GatewaySettings.AddAgents(rule, names, context.EnvironmentVariables));
    }

    /// <summary>Leads a host to an endpoint of the app host.</summary>
    /// <param name="builder">The gateway's builder.</param>
    /// <param name="host">The host that requests or channels name: <c>shop.dev.localhost</c>, <c>redis.internal</c>.</param>
    /// <param name="endpoint">
    /// Where they go. To an endpoint <c>http</c> or <c>https</c> YARP takes requests, of channels and of browsers. To all others channels are carried as TCP connections.
    /// </param>
    /// <returns>The builder.</returns>
    /// <remarks>The route is open to each client that reaches the gateway. Routes with conditions belong into the file of <see cref="WithConfiguration"/>.</remarks>
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

    /// <summary>Tells an app the gateway's address: as an agent, as a client, and for service discovery.</summary>
    /// <typeparam name="TDestination">The app's type.</typeparam>
    /// <param name="builder">The app's builder.</param>
    /// <param name="gateway">The gateway.</param>
    /// <param name="agentNames">The names that the app takes as an agent; none: those of its own configuration.</param>
    /// <returns>The app's builder.</returns>
    /// <exception cref="ArgumentException">An empty name.</exception>
    /// <remarks>
    /// It sets <c>MtaTlsAgent:Gateways</c> (and <c>Names</c>) for <c>UseMtaTlsAgent()</c>, <c>MtaTlsClient:Endpoints</c> for <c>UseMtaTls()</c> of <c>HttpClient</c>, and what
    /// <c>WithReference(endpoint)</c> sets. With several gateways an agent is served through each; a client takes them as endpoints that stand for one another. Aspire has
    /// the app trust the developer certificate.
    /// </remarks>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, IResourceBuilder<MtaTlsGatewayResource> gateway, params string[] agentNames)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(gateway);
        ArgumentNullException.ThrowIfNull(agentNames);
        if (agentNames.Any(string.IsNullOrWhiteSpace))
        {
            throw new ArgumentException("A name is empty.", nameof(agentNames));
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
