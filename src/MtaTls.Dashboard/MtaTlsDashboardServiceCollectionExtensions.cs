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

/// <summary>Adds what the live page needs.</summary>
public static class MtaTlsDashboardServiceCollectionExtensions
{
    /// <summary>
    /// Adds the live page's services, with the settings of the section <c>MtaTlsDashboard</c> and then those of <paramref name="configure"/>. <c>app.MapMtaTlsDashboard()</c> maps the page. Its events are
    /// what is logged to categories that begin with <c>MtaTls</c>; <c>Logging:MtaTlsDashboard:LogLevel</c> says from which level on.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets options; null: as the configuration says.</param>
    /// <returns>The same services.</returns>
    /// <exception cref="OptionsValidationException">Settings are wrong: thrown when the application starts. The message names each.</exception>
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
