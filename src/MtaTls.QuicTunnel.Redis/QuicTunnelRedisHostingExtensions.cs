using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MtaTls.QuicTunnel;
using MtaTls.QuicTunnel.Redis;
using MtaTls.QuicTunnel.Redis.Diagnostics;
using MtaTls.QuicTunnel.Redis.Directory;

namespace Microsoft.Extensions.Hosting;

/// <summary>Lets several concentrators find each other's sessions through Redis.</summary>
public static class QuicTunnelRedisHostingExtensions
{
    /// <summary>Lets this concentrator and others with the same Redis find each other's sessions. <c>QuicTunnel:Cluster</c> needs a node and a secret.</summary>
    /// <param name="builder">The application's builder, with <c>AddQuicTunnel()</c>.</param>
    /// <param name="connectionString">The connection string, in the format of StackExchange.Redis: <c>redis:6379,password=...</c>.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentException">The connection string is empty.</exception>
    public static IHostApplicationBuilder AddQuicTunnelRedisDirectory(this IHostApplicationBuilder builder, string connectionString)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        return builder.AddQuicTunnelRedisDirectory(options => options.ConnectionString = connectionString);
    }

    /// <summary>Lets this concentrator and others with the same Redis find each other's sessions, with the application's own <c>IConnectionMultiplexer</c> or as the options say. Adds the health check <c>quic_tunnel_directory</c>.</summary>
    /// <param name="builder">The application's builder, with <c>AddQuicTunnel()</c>.</param>
    /// <param name="configure">Sets the options.</param>
    /// <returns>The same builder.</returns>
    public static IHostApplicationBuilder AddQuicTunnelRedisDirectory(this IHostApplicationBuilder builder, Action<QuicTunnelRedisOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        if (services.Any(static s => s.ServiceType == typeof(RedisSessionDirectory)))
        {
            return builder;
        }

        QuicTunnelRedisOptions options = new();
        configure?.Invoke(options);
        services.AddSingleton(options);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<RedisSessionDirectory>();
        services.Replace(ServiceDescriptor.Singleton<ITunnelSessionDirectory>(static s => s.GetRequiredService<RedisSessionDirectory>()));
        services.AddSingleton<IHostedService>(static s => s.GetRequiredService<RedisSessionDirectory>());
        services.AddHealthChecks().AddCheck<SessionDirectoryHealthCheck>("quic_tunnel_directory", tags: ["quic_tunnel"]);
        return builder;
    }
}
