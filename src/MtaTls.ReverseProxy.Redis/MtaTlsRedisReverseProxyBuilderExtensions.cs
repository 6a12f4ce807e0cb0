using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Redis;
using MtaTls.ReverseProxy.Redis.Diagnostics;
using MtaTls.ReverseProxy.Redis.Directory;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Lets several gateways share their agents through Redis.</summary>
public static class MtaTlsRedisReverseProxyBuilderExtensions
{
    /// <summary>Lets this gateway and others with the same Redis serve each other's agents. <c>MtaTls:Cluster</c> says how gateways reach each other.</summary>
    /// <param name="builder">YARP with <c>AddMtaTlsAgents()</c>.</param>
    /// <param name="connectionString">How Redis is reached: <c>redis:6379,password=...</c>.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <exception cref="ArgumentException">The connection string is empty.</exception>
    public static IReverseProxyBuilder UseRedisDirectory(this IReverseProxyBuilder builder, string connectionString)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        return builder.UseRedisDirectory(options => options.ConnectionString = connectionString);
    }

    /// <summary>
    /// The same, with the application's own <c>IConnectionMultiplexer</c> (such as Aspire's <c>builder.AddRedisClient("redis")</c>), or as the options say.
    /// </summary>
    /// <param name="builder">YARP with <c>AddMtaTlsAgents()</c>.</param>
    /// <param name="configure">Sets the options.</param>
    /// <returns><paramref name="builder"/>.</returns>
    public static IReverseProxyBuilder UseRedisDirectory(this IReverseProxyBuilder builder, Action<MtaTlsRedisDirectoryOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        if (services.Any(static s => s.ServiceType == typeof(RedisDirectory)))
        {
            return builder;
        }

        builder.AddMtaTlsPeers();
        MtaTlsRedisDirectoryOptions options = new();
        configure?.Invoke(options);
        services.AddSingleton(options);
        services.AddSingleton<RedisConnection>();
        services.AddSingleton<DirectoryMetrics>();
        services.AddSingleton<RedisDirectory>();
        services.Replace(ServiceDescriptor.Singleton<IAgentDirectory>(static s => s.GetRequiredService<RedisDirectory>()));
        services.AddSingleton<INodeDirectory>(static s => s.GetRequiredService<RedisDirectory>());
        services.AddSingleton<IHostedService>(static s => s.GetRequiredService<RedisDirectory>());
        return builder;
    }
}
