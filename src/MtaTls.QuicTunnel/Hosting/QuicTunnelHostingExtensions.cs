using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.Configuration;
using MtaTls.QuicTunnel;
using MtaTls.QuicTunnel.Concentrator;
using MtaTls.QuicTunnel.Configuration;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Hosting;

namespace Microsoft.Extensions.Hosting;

/// <summary>Adds a QUIC tunnel concentrator or client to an application.</summary>
public static class QuicTunnelHostingExtensions
{
    /// <summary>
    /// Adds a concentrator with the settings of the section <c>QuicTunnel</c>. Registers <see cref="ITunnelSessions"/>, the meter <c>MtaTls.QuicTunnel</c> and the health check
    /// <c>quic_tunnel</c>. With <c>Interface:Kind</c> <c>InMemory</c>, the service <see cref="InMemoryPacketInterface"/> is also available.
    /// </summary>
    /// <param name="builder">The application's builder.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static IHostApplicationBuilder AddQuicTunnel(this IHostApplicationBuilder builder) => builder.AddQuicTunnel(static _ => { });

    /// <summary>Adds a concentrator with the settings of the section <c>QuicTunnel</c>, which <paramref name="configure"/> can override.</summary>
    /// <param name="builder">The application's builder.</param>
    /// <param name="configure">Changes the settings from the configuration.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IHostApplicationBuilder AddQuicTunnel(this IHostApplicationBuilder builder, Action<QuicTunnelOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        IServiceCollection services = builder.Services;
        services.AddOptions<QuicTunnelOptions>()
            .Configure(options => Read(builder, QuicTunnelOptions.SectionName, QuicTunnelSettings.Table, options, options.ConfigurationErrors))
            .Configure(configure);
        services.AddSingleton<IOptionsChangeTokenSource<QuicTunnelOptions>>(
            new ConfigurationChangeTokenSource<QuicTunnelOptions>(builder.Configuration.GetSection(QuicTunnelOptions.SectionName)));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<QuicTunnelOptions>, QuicTunnelOptionsValidator>());
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<TunnelConcentrator>();
        services.TryAddSingleton<ConcentratorMetrics>();
        services.TryAddSingleton<ITunnelSessions>(static provider => provider.GetRequiredService<TunnelConcentrator>());
        services.TryAddSingleton(static provider => provider.GetRequiredService<TunnelConcentrator>().Interface as InMemoryPacketInterface
            ?? throw new InvalidOperationException("The concentrator's packet interface is a TUN device, so there is no InMemoryPacketInterface. Set QuicTunnel:Interface:Kind to InMemory."));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ConcentratorService>());
        services.AddHealthChecks().AddCheck<ConcentratorHealthCheck>("quic_tunnel", tags: ["quic_tunnel"]);
        return builder;
    }

    /// <summary>
    /// Adds a <see cref="QuicTunnelClient"/> that runs with the application, with the settings of the section <c>QuicTunnelClient</c>. Registers the client, the meter
    /// <c>MtaTls.QuicTunnel</c> and the health check <c>quic_tunnel_client</c>.
    /// </summary>
    /// <param name="builder">The application's builder.</param>
    /// <param name="configure">Changes the settings from the configuration. Default null: no changes.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static IHostApplicationBuilder AddQuicTunnelClient(this IHostApplicationBuilder builder, Action<QuicTunnelClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        services.AddOptions<QuicTunnelClientOptions>()
            .Configure(options => Read(builder, QuicTunnelClientOptions.SectionName, TunnelSettings.Client, options, options.ConfigurationErrors))
            .Configure(options => configure?.Invoke(options))
            .ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<QuicTunnelClientOptions>, QuicTunnelClientOptionsValidator>());
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(static provider => new QuicTunnelClient(
            provider.GetRequiredService<IOptions<QuicTunnelClientOptions>>().Value,
            provider.GetRequiredService<ILoggerFactory>(),
            provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<ClientMetrics>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ClientService>());
        services.AddHealthChecks().AddCheck<ClientHealthCheck>("quic_tunnel_client", tags: ["quic_tunnel"]);
        return builder;
    }

    private static void Read<TOptions>(IHostApplicationBuilder builder, string section, SettingTable<TOptions> table, TOptions options, ErrorList errors)
        where TOptions : class, new()
        => new SectionReader(builder.Configuration.GetSection(section), errors, builder.Environment.ContentRootPath).Read(table, options);
}
