using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Configuration;

namespace MtaTls.AspNetCore.Connections;

/// <summary>
/// Finds the server's <see cref="MtaTlsServer"/>. An application that calls <c>UseMtaTls</c> only on endpoints has not registered one; its endpoints
/// then share one that uses the application's configuration, logs and meters.
/// </summary>
internal static class MtaTlsServices
{
    private static readonly ConditionalWeakTable<KestrelServerOptions, MtaTlsServer> s_own = [];

    public static MtaTlsServer GetServer(ListenOptions endpoint)
        => endpoint.ApplicationServices.GetService<MtaTlsServer>() ?? s_own.GetValue(endpoint.KestrelServerOptions, Create);

    [SuppressMessage("Reliability", "CA2000", Justification = "The provider lives as long as the server and holds nothing to dispose.")]
    private static MtaTlsServer Create(KestrelServerOptions kestrel)
    {
        IServiceProvider application = kestrel.ApplicationServices;
        ServiceCollection services = new();
        services.AddSingleton(application.GetRequiredService<IServer>());
        services.AddSingleton(application.GetRequiredService<IConfiguration>());
        services.AddSingleton(application.GetRequiredService<IHostEnvironment>());
        services.AddSingleton(application.GetRequiredService<ILoggerFactory>());
        services.AddSingleton(application.GetRequiredService<IMeterFactory>());
        services.AddSingleton(application.GetService<TimeProvider>() ?? TimeProvider.System);
        services.AddMtaTlsCore();
        services.AddSingleton<IValidateOptions<MtaTlsOptions>, NoChannelRoutes>();
        MtaTlsServer server = services.BuildServiceProvider().GetRequiredService<MtaTlsServer>();
        application.GetService<IHostApplicationLifetime>()?.ApplicationStopping.Register(() => server.Shutdown.Begin());
        return server;
    }

    /// <summary>Rejects channel routes, at startup and whenever the configuration changes.</summary>
    private sealed class NoChannelRoutes : IValidateOptions<MtaTlsOptions>
    {
        public ValidateOptionsResult Validate(string? name, MtaTlsOptions options) => options.Channels.Count == 0
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail($"{MtaTlsSettings.SectionName}:{nameof(MtaTlsOptions.Channels)}: channel routes need builder.WebHost.UseMtaTls(). Without that call the server cannot check that the requests of a channel are for the destination by which it was routed.");
    }
}
