using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>The connection to Redis: the application's own connection, or a new one.</summary>
internal sealed class RedisConnection(MtaTlsRedisDirectoryOptions options, IServiceProvider services, IConfiguration configuration) : IAsyncDisposable
{
    private IConnectionMultiplexer? _multiplexer;
    private bool _isOwn;
    private volatile bool _wasLost;

    /// <summary>Called when the connection for commands or the one for subscriptions is restored. The client library also calls it, late on a busy machine, for the first connection.</summary>
    public event Action? Restored;

    /// <summary>Called when the connection is lost.</summary>
    public event Action? Lost;

    /// <summary>Whether the connection was lost at least once, or did not exist at first.</summary>
    public bool WasLost => _wasLost;

    /// <summary>Whether commands can be sent.</summary>
    public bool IsConnected => _multiplexer?.IsConnected == true;

    /// <summary>The database for commands.</summary>
    /// <exception cref="TimeoutException">The connection has not been opened yet.</exception>
    public IDatabase Database => (_multiplexer ?? throw new TimeoutException("Redis has not been reached yet.")).GetDatabase();

    /// <summary>Checks that the options lead to a connection.</summary>
    /// <exception cref="InvalidOperationException">The connection string or the <c>IConnectionMultiplexer</c> does not exist.</exception>
    public void Check()
    {
        if (options.ConnectionString is not null)
        {
            return;
        }

        if (options.ConnectionName is { } name)
        {
            _ = configuration.GetConnectionString(name) ?? throw new InvalidOperationException($"UseRedisDirectory(): connection string '{name}' was not found in the configuration (ConnectionStrings:{name}).");
            return;
        }

        if (Find() is null)
        {
            throw new InvalidOperationException(
                "UseRedisDirectory() without a connection string needs an IConnectionMultiplexer in the services" + (options.ServiceKey is { } key ? $" with the key '{key}'" : "")
                + ". Call UseRedisDirectory(\"redis:6379\"), or register one, for example with builder.AddRedisClient(\"redis\").");
        }
    }

    /// <summary>Connects, unless it has connected before. If Redis can't be reached, the connection is retried in the background.</summary>
    /// <param name="lookupTimeout">How long a lookup may take. The client library gives up after five seconds, unless it is told otherwise.</param>
    public async Task OpenAsync(TimeSpan lookupTimeout)
    {
        if (_multiplexer is not null)
        {
            return;
        }

        string? connection = options.ConnectionString ?? (options.ConnectionName is { } name ? configuration.GetConnectionString(name) : null);
        IConnectionMultiplexer multiplexer;
        if (connection is null)
        {
            multiplexer = Find()!;
        }
        else
        {
            var settings = ConfigurationOptions.Parse(connection);
            settings.AbortOnConnectFail = false;
            // Commands fail at once while there is no connection, because requests wait for the answer.
            settings.BacklogPolicy = BacklogPolicy.FailFast;
            settings.ReconnectRetryPolicy = new LinearRetry(500);
            settings.AsyncTimeout = Math.Max(settings.AsyncTimeout, (int)lookupTimeout.TotalMilliseconds);
            settings.ClientName ??= "mtatls";
            multiplexer = await ConnectionMultiplexer.ConnectAsync(settings);
            _isOwn = true;
        }

        multiplexer.ConnectionRestored += OnRestored;
        multiplexer.ConnectionFailed += OnFailed;
        if (Array.Exists(multiplexer.GetServers(), static server => !server.IsConnected))
        {
            _wasLost = true;
        }

        _multiplexer = multiplexer;
    }

    /// <summary>Calls <paramref name="received"/> for each message, one at a time.</summary>
    public async Task SubscribeAsync(RedisChannel channel, Action<string?> received)
    {
        ISubscriber subscriber = _multiplexer!.GetSubscriber();
        try
        {
            ChannelMessageQueue queue = await subscriber.SubscribeAsync(channel);
            queue.OnMessage(message => received(message.Message));
        }
        catch
        {
            // The client library keeps a subscription that was refused, and its messages would wait for a reader.
            await subscriber.UnsubscribeAsync(channel, flags: CommandFlags.FireAndForget);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_multiplexer is not { } multiplexer)
        {
            return;
        }

        multiplexer.ConnectionRestored -= OnRestored;
        multiplexer.ConnectionFailed -= OnFailed;
        if (_isOwn)
        {
            await multiplexer.DisposeAsync();
        }
    }

    private IConnectionMultiplexer? Find() => options.ServiceKey is { } key ? services.GetKeyedService<IConnectionMultiplexer>(key) : services.GetService<IConnectionMultiplexer>();

    internal void OnRestored(object? sender, ConnectionFailedEventArgs e) => Restored?.Invoke();

    private void OnFailed(object? sender, ConnectionFailedEventArgs e)
    {
        _wasLost = true;
        Lost?.Invoke();
    }
}
