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
    /// <summary>Lets this gateway and other gateways with the same Redis serve each other's agents. <c>MtaTls:Cluster</c> has the settings with which the gateways reach each other.</summary>
    /// <param name="builder">YARP, as <c>AddReverseProxy()</c> returns it. <c>AddMtaTlsAgents()</c> is called if it was not.</param>
    /// <param name="connectionString">The connection string of StackExchange.Redis: <c>redis:6379,password=...</c>.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <exception cref="ArgumentException">The connection string is empty.</exception>
    public static IReverseProxyBuilder UseRedisDirectory(this IReverseProxyBuilder builder, string connectionString)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        return builder.UseRedisDirectory(options => options.ConnectionString = connectionString);
    }

    /// <summary>
    /// Lets this gateway and other gateways with the same Redis serve each other's agents. Without options it uses the application's <c>IConnectionMultiplexer</c>, such as the one of Aspire's
    /// <c>builder.AddRedisClient("redis")</c>. If there is none, the application fails to start.
    /// </summary>
    /// <param name="builder">YARP, as <c>AddReverseProxy()</c> returns it. <c>AddMtaTlsAgents()</c> is called if it was not.</param>
    /// <param name="configure">Sets the options. Default: null.</param>
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
