using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.Client;
using MtaTls.Client.Configuration;

#pragma warning disable IDE0130 // Extension methods are in the namespace of the type that they extend.
namespace Microsoft.Extensions.DependencyInjection;
#pragma warning restore IDE0130

/// <summary>Lets clients of <see cref="IHttpClientFactory"/> use channels of MTA-TLS sessions as their connections.</summary>
public static class MtaTlsHttpClientBuilderExtensions
{
    /// <summary>
    /// Lets the client use channels as its connections. The options come from the configuration section <c>MtaTlsClient</c>, if it exists, and then from <paramref name="configure"/>. The method sets a
    /// <see cref="SocketsHttpHandler"/> as the primary handler and adds an <see cref="MtaTlsRetryHandler"/> before it (not if another handler retries, see <see cref="MtaTlsClientOptions.MaxRetries"/>).
    /// Clients with equal options share their sessions, also when the factory replaces their handlers.
    /// </summary>
    /// <param name="builder">The client's builder.</param>
    /// <param name="configure">Overrides options of the configuration; null for none.</param>
    /// <returns>The builder.</returns>
    public static IHttpClientBuilder UseMtaTls(this IHttpClientBuilder builder, Action<MtaTlsClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddOptions<MtaTlsClientOptions>(builder.Name).Configure<IServiceProvider>((options, services) =>
        {
            if (services.GetService<IConfiguration>() is { } configuration)
            {
                MtaTlsClientConfiguration.Apply(configuration.GetSection(MtaTlsClientOptions.SectionName), options, MtaTlsClientConfiguration.ContentRoot(services));
            }

            configure?.Invoke(options);
        });
        return Use(builder);
    }

    /// <summary>Lets the client use channels as its connections, with the options of a configuration section.</summary>
    /// <param name="builder">The client's builder.</param>
    /// <param name="section">A section whose keys are the names of <see cref="MtaTlsClientOptions"/>.</param>
    /// <returns>The builder.</returns>
    public static IHttpClientBuilder UseMtaTls(this IHttpClientBuilder builder, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(section);
        builder.Services.AddOptions<MtaTlsClientOptions>(builder.Name).Configure<IServiceProvider>((options, services) =>
            MtaTlsClientConfiguration.Apply(section, options, MtaTlsClientConfiguration.ContentRoot(services)));
        return Use(builder);
    }

    private static IHttpClientBuilder Use(IHttpClientBuilder builder)
    {
        builder.Services.AddOptions<MtaTlsClientOptions>(builder.Name).Configure<IServiceProvider>((options, services) => options.LoggerFactory ??= services.GetService<ILoggerFactory>()).ValidateOnStart();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MtaTlsClientOptions>, MtaTlsClientOptionsValidator>());
        string name = builder.Name;
        // In PostConfigure, so that all handlers are known, whatever the order of the calls that add them.
        builder.Services.PostConfigure<HttpClientFactoryOptions>(name, factory => factory.HttpMessageHandlerBuilderActions.Add(handlers =>
        {
            if (!Options(handlers.Services, name).IsMaxRetriesSet && handlers.AdditionalHandlers.Any(IsResilienceHandler))
            {
                handlers.AdditionalHandlers.Remove(handlers.AdditionalHandlers.OfType<MtaTlsRetryHandler>().First());
            }
        }));
        return builder
            .AddHttpMessageHandler(services =>
            {
                MtaTlsClientOptions options = Options(services, name);
                return new MtaTlsRetryHandler(options.MaxRetries, options.TimeProvider, options.LoggerFactory);
            })
            .UseSocketsHttpHandler((handler, services) => handler.UseMtaTls(Options(services, name)));
    }

    /// <summary>Whether the handler belongs to Microsoft.Extensions.Http.Resilience. Compared by name, because this package does not reference that one.</summary>
    private static bool IsResilienceHandler(DelegatingHandler handler) => handler.GetType().FullName == "Microsoft.Extensions.Http.Resilience.ResilienceHandler";

    private static MtaTlsClientOptions Options(IServiceProvider services, string name) => services.GetRequiredService<IOptionsMonitor<MtaTlsClientOptions>>().Get(name);
}
