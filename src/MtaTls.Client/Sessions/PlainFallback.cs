using System.Diagnostics.CodeAnalysis;

namespace MtaTls.Client.Sessions;

/// <summary>Remembers that an endpoint does not speak MTA-TLS, and keeps the connection that has shown it as a spare for a channel that ordinary TLS can replace.</summary>
internal sealed class PlainFallback(TimeProvider time) : IAsyncDisposable
{
    /// <summary>How long the client does not connect again for a channel that ordinary TLS cannot replace.</summary>
    private static readonly TimeSpan s_plainFor = TimeSpan.FromMinutes(1);

    /// <summary>How long the spare connection is kept. A server may soon close an unused one.</summary>
    private static readonly TimeSpan s_spareFor = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private DialedConnection? _spare;
    private ITimer? _spareTimer;
    private bool _isPlain;
    private long _since;

    /// <summary>Whether the server did not answer the extension on the last connection.</summary>
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

    /// <summary>The rest of the time in which the client does not connect again; zero or less if it may.</summary>
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

    /// <summary>Remembers a connection on which the server did not answer the extension.</summary>
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

    /// <summary>Forgets it, because the server has opened a session and so speaks MTA-TLS.</summary>
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
