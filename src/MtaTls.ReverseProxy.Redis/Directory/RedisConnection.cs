using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>The connection to Redis: the application's, or one of its own.</summary>
internal sealed class RedisConnection(MtaTlsRedisDirectoryOptions options, IServiceProvider services, IConfiguration configuration) : IAsyncDisposable
{
    private IConnectionMultiplexer? _multiplexer;
    private bool _isOwn;

    /// <summary>Called when the connection, or that of subscriptions, is there again.</summary>
    public event Action? Restored;

    /// <summary>Called when the connection is lost.</summary>
    public event Action? Lost;

    /// <summary>Whether commands can be sent.</summary>
    public bool IsConnected => _multiplexer?.IsConnected == true;

    /// <summary>The database.</summary>
    public IDatabase Database => (_multiplexer ?? throw new TimeoutException("Redis was not reached yet.")).GetDatabase();

    /// <summary>Finds out whose connection it is.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public void Check()
    {
        if (options.ConnectionString is not null)
        {
            return;
        }

        if (options.ConnectionName is { } name)
        {
            _ = configuration.GetConnectionString(name) ?? throw new InvalidOperationException($"UseRedisDirectory(): there is no connection string '{name}' (ConnectionStrings:{name}).");
            return;
        }

        if (Find() is null)
        {
            throw new InvalidOperationException(
                "UseRedisDirectory() without a connection string needs an IConnectionMultiplexer in the services" + (options.ServiceKey is { } key ? $" with the key '{key}'" : "")
                + ". Write UseRedisDirectory(\"redis:6379\"), or add one with builder.AddRedisClient(\"redis\") for example.");
        }
    }

    /// <summary>Connects. Where Redis can't be reached it goes on trying in the background.</summary>
    public async Task OpenAsync()
    {
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
            // What can't be sent now fails now: a request waits for the answer.
            settings.BacklogPolicy = BacklogPolicy.FailFast;
            settings.ReconnectRetryPolicy = new LinearRetry(500);
            settings.ClientName ??= "mtatls";
            multiplexer = await ConnectionMultiplexer.ConnectAsync(settings);
            _isOwn = true;
        }

        multiplexer.ConnectionRestored += OnRestored;
        multiplexer.ConnectionFailed += OnFailed;
        _multiplexer = multiplexer;
    }

    /// <summary>Receives messages, one after another.</summary>
    public async Task SubscribeAsync(RedisChannel channel, Action<string?> received)
    {
        ChannelMessageQueue queue = await _multiplexer!.GetSubscriber().SubscribeAsync(channel);
        queue.OnMessage(message => received(message.Message));
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

    private void OnRestored(object? sender, ConnectionFailedEventArgs e) => Restored?.Invoke();

    private void OnFailed(object? sender, ConnectionFailedEventArgs e) => Lost?.Invoke();
}
