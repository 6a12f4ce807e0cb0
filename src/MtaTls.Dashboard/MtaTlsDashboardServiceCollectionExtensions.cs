using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.Dashboard;
using MtaTls.Dashboard.Assets;
using MtaTls.Dashboard.Configuration;
using MtaTls.Dashboard.Events;
using MtaTls.Dashboard.Inspector;
using MtaTls.Dashboard.Sampling;
using MtaTls.Dashboard.Security;
using MtaTls.Dashboard.Views;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the services of the live page.</summary>
public static class MtaTlsDashboardServiceCollectionExtensions
{
    /// <summary>
    /// Adds the services of the live page. <c>app.MapMtaTlsDashboard()</c> then maps the page. Its settings come from the section <c>MtaTlsDashboard</c>, then from <paramref name="configure"/>. If they are invalid, the
    /// application fails to start with an <see cref="OptionsValidationException"/> that lists all errors.
    /// </summary>
    /// <remarks>
    /// The page lists the log events of all categories that begin with <c>MtaTls.</c>. <c>Logging:MtaTlsDashboard:LogLevel</c> sets the lowest level.
    /// </remarks>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Changes the options after they were read from the configuration. Default: null.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddMtaTlsDashboard(this IServiceCollection services, Action<MtaTlsDashboardOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<MtaTlsDashboardOptions>().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<MtaTlsDashboardOptions>, ConfigureDashboardOptions>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MtaTlsDashboardOptions>, ValidateDashboardOptions>());
        if (configure is not null)
        {
            services.Configure(configure);
        }

        services.AddAntiforgery();
        services.AddAuthorization();
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<AssetTable>();
        services.TryAddSingleton<DashboardGate>();
        services.TryAddSingleton<ActionGate>();
        services.TryAddSingleton<EventRing>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ILoggerProvider, EventLoggerProvider>());
        services.TryAddSingleton<MeterReader>();
        services.TryAddSingleton<Sampler>();
        services.TryAddSingleton<FrameWriter>();
        services.TryAddSingleton<RequestRing>();
        services.TryAddSingleton<DashboardEndpoints>();
        services.TryAddSingleton<DashboardActions>();
        return services;
    }
}
