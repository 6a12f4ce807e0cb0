using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.Client;
using MtaTls.Client.Configuration;

#pragma warning disable IDE0130 // In the namespace of what is extended.
namespace Microsoft.Extensions.DependencyInjection;
#pragma warning restore IDE0130

/// <summary>Makes the connections of an <see cref="IHttpClientFactory"/>'s clients channels of MTA-TLS sessions.</summary>
public static class MtaTlsHttpClientBuilderExtensions
{
    /// <summary>
    /// Makes the client's connections channels. The options come from the configuration section <c>MtaTlsClient</c>, where there is one, and then from <paramref name="configure"/>. Its primary handler is a
    /// <see cref="SocketsHttpHandler"/>, behind an <see cref="MtaTlsRetryHandler"/> (see <see cref="MtaTlsClientOptions.MaxRetries"/> for the case that another handler retries). Clients with equal options share their sessions, also when the factory replaces their handlers.
    /// </summary>
    /// <param name="builder">The client's builder.</param>
    /// <param name="configure">Sets options after the configuration has; null: the configuration alone.</param>
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

    /// <summary>Makes the client's connections channels, with the options of a configuration section.</summary>
    /// <param name="builder">The client's builder.</param>
    /// <param name="section">A section with the names of <see cref="MtaTlsClientOptions"/>.</param>
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
        // After all that add handlers, whatever the order of their calls.
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

    /// <summary>Whether it is a pipeline of Microsoft.Extensions.Http.Resilience, a package that need not be there.</summary>
    private static bool IsResilienceHandler(DelegatingHandler handler) => handler.GetType().FullName == "Microsoft.Extensions.Http.Resilience.ResilienceHandler";

    private static MtaTlsClientOptions Options(IServiceProvider services, string name) => services.GetRequiredService<IOptionsMonitor<MtaTlsClientOptions>>().Get(name);
}
