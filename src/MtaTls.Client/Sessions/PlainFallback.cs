using System.Diagnostics.CodeAnalysis;

namespace MtaTls.Client.Sessions;

/// <summary>What is known of an endpoint that does not speak MTA-TLS: since when, and the connection that found it out, which waits for a channel that it can stand in for.</summary>
internal sealed class PlainFallback(TimeProvider time) : IAsyncDisposable
{
    /// <summary>How long such a server is not asked again for a channel that ordinary TLS can't stand in for.</summary>
    private static readonly TimeSpan s_plainFor = TimeSpan.FromMinutes(1);

    /// <summary>How long the connection waits for a channel before the server may treat it as unused.</summary>
    private static readonly TimeSpan s_spareFor = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private DialedConnection? _spare;
    private ITimer? _spareTimer;
    private bool _isPlain;
    private long _since;

    /// <summary>Whether the last connection was without the extension.</summary>
    public bool IsPlain
    {
        get
        {
            lock (_gate)
            {
                return _isPlain;
            }
        }
    }

    public bool HasSpare
    {
        get
        {
            lock (_gate)
            {
                return _spare is not null;
            }
        }
    }

    /// <summary>How long the server is not asked again; zero or less where it may be.</summary>
    public TimeSpan Remaining
    {
        get
        {
            lock (_gate)
            {
                return _isPlain ? s_plainFor - time.GetElapsedTime(_since) : TimeSpan.Zero;
            }
        }
    }

    /// <summary>A connection was made without the extension.</summary>
    public void Found(DialedConnection connection)
    {
        lock (_gate)
        {
            (_isPlain, _since) = (true, time.GetTimestamp());
            _spare = connection;
            _spareTimer?.Dispose();
            _spareTimer = time.CreateTimer(DropSpare, connection, s_spareFor, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>A session was made: the server speaks MTA-TLS.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _isPlain = false;
        }
    }

    public bool TryTakeSpare([NotNullWhen(true)] out DialedConnection? connection)
    {
        lock (_gate)
        {
            (connection, _spare) = (_spare, null);
            return connection is not null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        DialedConnection? spare;
        lock (_gate)
        {
            _spareTimer?.Dispose();
            (spare, _spare) = (_spare, null);
        }
        if (spare is not null)
        {
            await spare.DisposeAsync().ConfigureAwait(false);
        }
    }

    private void DropSpare(object? connection)
    {
        lock (_gate)
        {
            if (_spare != connection)
            {
                return;
            }

            _spare = null;
        }
        _ = ((DialedConnection)connection!).DisposeAsync().AsTask();
    }
}
