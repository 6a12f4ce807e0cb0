using System.Net.Sockets;
using System.Security.Authentication;

namespace MtaTls.Client.Sessions;

/// <summary>Keeps a session connected as long as the client lives (<see cref="MtaTlsClientOptions.KeepConnected"/>).</summary>
internal sealed class ConnectionKeeper(SessionPool pool, SessionConnector connector, PlainFallback plain, TimeProvider time, CancellationToken stopping)
{
    private readonly Lock _gate = new();
    private Task? _task;

    public Task? Completion
    {
        get
        {
            lock (_gate)
            {
                return _task;
            }
        }
    }

    public void Start()
    {
        lock (_gate)
        {
            _task ??= RunAsync();
        }
    }

    private async Task RunAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!stopping.IsCancellationRequested)
        {
            // Taken before the state is checked, so that a change in between is not missed.
            Task changed = pool.Changed, backoffEnded = connector.BackoffEnded;
            using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            TimeSpan plainLeft = plain.Remaining, backoffLeft = connector.Remaining;
            TimeSpan delay = plainLeft > backoffLeft ? plainLeft : backoffLeft;
            Task wait = pool.HasUsable || !pool.MayGrow ? changed
                : delay > TimeSpan.Zero ? Task.WhenAny(Task.Delay(delay, time, giveUp.Token), backoffEnded)
                : Connect();
            await wait.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await giveUp.CancelAsync().ConfigureAwait(false);
        }
    }

    private Task Connect()
    {
        try
        {
            // Checked again under the connector's lock, because the attempt of another caller may have ended meanwhile.
            return connector.ConnectIf(() => !pool.HasUsable && plain.Remaining <= TimeSpan.Zero);
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException)
        {
            // Another attempt has failed at this moment, and its back-off has begun.
            return Task.CompletedTask;
        }
    }
}
