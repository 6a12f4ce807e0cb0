using System.Reflection;
using Microsoft.Extensions.Time.Testing;
using StackExchange.Redis;

namespace MtaTls.QuicTunnel.Tests.Cluster;

/// <summary>A Redis in memory with a test's clock. It knows only the commands that the directory of sessions uses.</summary>
internal sealed class FakeRedis
{
    private readonly Lock _lock = new();
    private readonly FakeTimeProvider _time;
    private readonly Dictionary<string, (string Text, DateTimeOffset End)> _values = [];
    private readonly IDatabase _database;
    private volatile bool _isAway;
    private int _renewals, _sessionCommands;

    public FakeRedis(FakeTimeProvider time)
    {
        _time = time;
        _database = Proxy.Create<IDatabase>(Execute);
        Multiplexer = Proxy.Create<IConnectionMultiplexer>((name, _) => name switch
        {
            "get_IsConnected" => !_isAway,
            nameof(IConnectionMultiplexer.GetDatabase) => _database,
            nameof(IConnectionMultiplexer.GetServers) => Array.Empty<IServer>(),
            _ => null,
        });
    }

    public IConnectionMultiplexer Multiplexer { get; }

    /// <summary>How long a node's key lives.</summary>
    public required TimeSpan Lease { get; init; }

    /// <summary>Whether no command gets an answer.</summary>
    public bool IsAway { get => _isAway; set => _isAway = value; }

    /// <summary>The renewals of leases so far.</summary>
    public int Renewals => Volatile.Read(ref _renewals);

    /// <summary>The commands so far that write or remove a session.</summary>
    public int SessionCommands => Volatile.Read(ref _sessionCommands);

    /// <summary>Called before a session is written.</summary>
    public Action? Writing { get; set; }

    public string? Get(string key)
    {
        lock (_lock)
        {
            return _values.TryGetValue(key, out (string Text, DateTimeOffset End) value) && value.End > _time.GetUtcNow() ? value.Text : null;
        }
    }

    public void Set(string key, string text, TimeSpan? life = null)
    {
        lock (_lock)
        {
            _values[key] = (text, life is { } given ? _time.GetUtcNow() + given : DateTimeOffset.MaxValue);
        }
    }

    public void Clear()
    {
        lock (_lock)
        {
            _values.Clear();
        }
    }

    private object Execute(string name, object?[] arguments)
    {
        ThrowIfAway();
        string key = ((RedisKey)arguments[0]!).ToString();
        bool isSession = key.Contains(":quic-session:", StringComparison.Ordinal);
        switch (name)
        {
            case nameof(IDatabase.StringGetAsync):
                return Task.FromResult((RedisValue)Get(key));
            case nameof(IDatabase.StringSetAsync):
                if (isSession)
                {
                    Writing?.Invoke();
                    ThrowIfAway();
                    Interlocked.Increment(ref _sessionCommands);
                }

                Set(key, arguments[1]!.ToString()!, isSession ? TimeSpan.FromHours(1) : Lease);
                return Task.FromResult(true);
            case nameof(IDatabase.StringIncrementAsync):
                long value = long.Parse(Get(key) ?? "0", System.Globalization.CultureInfo.InvariantCulture) + (long)arguments[1]!;
                Set(key, $"{value}");
                return Task.FromResult(value);
            case nameof(IDatabase.KeyExpireAsync):
                string? text = Get(key);
                if (text is not null)
                {
                    Set(key, text, Lease);
                }

                Interlocked.Increment(ref _renewals);
                return Task.FromResult(text is not null);
            case nameof(IDatabase.KeyDeleteAsync):
                Interlocked.Add(ref _sessionCommands, isSession ? 1 : 0);
                lock (_lock)
                {
                    return Task.FromResult(_values.Remove(key));
                }

            default:
                throw new NotSupportedException(name);
        }
    }

    private void ThrowIfAway()
    {
        if (_isAway)
        {
            throw new RedisException("Redis is away.");
        }
    }

    /// <summary>An object of any interface whose calls go to one function.</summary>
#pragma warning disable CA1852 // DispatchProxy derives from it.
    public class Proxy : DispatchProxy
#pragma warning restore CA1852
    {
        private Func<string, object?[], object?>? _call;

        public static T Create<T>(Func<string, object?[], object?> call)
            where T : class
        {
            T proxy = Create<T, Proxy>();
            ((Proxy)(object)proxy)._call = call;
            return proxy;
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => _call!(targetMethod!.Name, args ?? []);
    }
}
