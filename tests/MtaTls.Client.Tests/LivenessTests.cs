using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using MtaTls.Client.Sessions;
using MtaTls.Protocol;

namespace MtaTls.Client.Tests;

#pragma warning disable CA1001 // The openers dispose the dialer.
/// <summary>Servers that stop answering or send a go-away, and sessions that have reached their age.</summary>
public sealed class LivenessTests : IAsyncLifetime
#pragma warning restore CA1001
{
    private static readonly TimeSpan s_hang = TimeSpan.FromMinutes(5);
    private static readonly ChannelAddress s_inner = new("inner.test", 7);

    private readonly SuspendableTime _time = new();
    private readonly MemoryDialer _dialer = new();
    private readonly ClientCounters _counters = new();
    private readonly List<ChannelOpener> _openers = [];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync() => await AdvanceUntilAsync(Task.WhenAll(_openers.Select(o => o.DisposeAsync().AsTask())), TimeSpan.FromSeconds(1));

    [Fact]
    public async Task Callers_that_wait_for_room_get_it_in_order()
    {
        ChannelOpener opener = Make(o => (o.MaxSessions, o.Limits.MaxChannelsPerSession, o.ConnectTimeout) = (1, 1, Timeout.InfiniteTimeSpan));
        ChannelBacking first = await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang);
        var order = new List<int>();
        Task[] waiting = [.. Enumerable.Range(0, 5).Select(i => UseAsync(i))];
        Assert.Empty(order);
        // The clock stands still, so a waiter that continues was woken.
        await CloseAsync(opener, first);
        await Task.WhenAll(waiting).WaitAsync(s_hang);
        Assert.Equal([0, 1, 2, 3, 4], order);

        async Task UseAsync(int number)
        {
            ChannelBacking channel = await opener.OpenAsync(s_inner, null, default);
            order.Add(number);
            await CloseAsync(opener, channel);
        }
    }

    [Fact]
    public async Task A_caller_that_gives_up_leaves_its_room_to_the_next()
    {
        ChannelOpener opener = Make(o => (o.MaxSessions, o.Limits.MaxChannelsPerSession) = (1, 1));
        ChannelBacking first = await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang);
        using var cancel = new CancellationTokenSource();
        Task<ChannelBacking> impatient = opener.OpenAsync(s_inner, null, cancel.Token).AsTask(), patient = opener.OpenAsync(s_inner, null, default).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient.WaitAsync(s_hang));
        await CloseAsync(opener, first);
        await patient.WaitAsync(s_hang);
    }

    [Fact]
    public async Task An_open_without_an_answer_uses_another_session()
    {
        _dialer.IsFrozen = true;
        ChannelOpener opener = Make(Patient);
        await opener.ConnectAsync(default);
        _dialer.IsFrozen = false;
        Task<ChannelBacking> open = opener.OpenAsync(s_inner, null, default).AsTask();
        long began = _time.GetTimestamp();
        await AdvanceUntilAsync(() => _dialer.Attempts == 2, TimeSpan.FromMilliseconds(100));
        // An unanswered open causes a ping after a second; after another second the session is not used. Its end would take ten minutes.
        Assert.InRange(_time.GetElapsedTime(began).TotalSeconds, 1.9, 600);
        await open.WaitAsync(s_hang);
        Assert.Equal(2, _dialer.Attempts);
        Assert.Equal(1, _dialer.Servers[0].ActiveChannels);

        // Later opens do not wait for the session without answers, which ends after its timeout.
        await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang);
        await UntilAsync(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return opener.SessionCount == 1;
        });
    }

    [Fact]
    public async Task A_session_whose_server_does_not_answer_does_not_count_against_MaxSessions()
    {
        _dialer.IsFrozen = true;
        ChannelOpener opener = Make(o =>
        {
            Patient(o);
            o.MaxSessions = 1;
        });
        await opener.ConnectAsync(default);
        _dialer.IsFrozen = false;
        Task open = opener.OpenAsync(s_inner, null, default).AsTask();
        await AdvanceUntilAsync(() => _dialer.Attempts == 2, TimeSpan.FromMilliseconds(100));
        await open.WaitAsync(s_hang);
        Assert.Equal(1, _dialer.Servers[0].ActiveChannels);
    }

    [Fact]
    public async Task A_kept_session_whose_server_does_not_answer_is_replaced()
    {
        _dialer.IsFrozen = true;
        ChannelOpener opener = Make(o =>
        {
            Patient(o);
            o.KeepConnected = true;
        });
        await opener.ConnectAsync(default);
        _dialer.IsFrozen = false;
        long began = _time.GetTimestamp();
        await AdvanceUntilAsync(() => _dialer.Attempts == 2, TimeSpan.FromMilliseconds(100));
        // 15 s of silence, then a ping, and a second without an answer. The end of the session would take ten minutes more.
        Assert.InRange(_time.GetElapsedTime(began).TotalSeconds, 15, 600);
        await UntilAsync(() => _dialer.Servers.Count == 1);
    }

    [Fact]
    public async Task After_a_go_away_the_next_session_is_connected_at_once_and_open_channels_continue()
    {
        ChannelOpener opener = Make();
        ChannelBacking old = await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang);
        await _dialer.Servers[0].GoAwayAsync(TimeSpan.FromSeconds(30)).AsTask().WaitAsync(s_hang);
        await UntilAsync(() => _dialer.Servers.Count == 2 && opener.SessionCount == 2);
        Assert.Equal([TimeSpan.FromSeconds(30)], _dialer.GoAways);
        await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang);
        Assert.Equal([1, 1], _dialer.Servers.Select(s => s.ActiveChannels));

        // The session ends with close_notify after its last channel.
        await CloseAsync(opener, old);
        await _dialer.Servers[0].Completion.WaitAsync(s_hang);
        Assert.Equal(1, opener.SessionCount);
    }

    [Fact]
    public async Task Until_another_session_is_open_a_draining_one_accepts_channels()
    {
        ChannelOpener opener = Make();
        await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang);
        var gate = new TaskCompletionSource();
        _dialer.Gate = gate.Task;
        await _dialer.Servers[0].GoAwayAsync(TimeSpan.FromSeconds(30)).AsTask().WaitAsync(s_hang);
        await UntilAsync(() => _dialer.Attempts == 2);
        await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang);
        Assert.Equal(2, _dialer.Servers[0].ActiveChannels);

        // After the time of the go-away, opens wait for the other session.
        _time.Advance(TimeSpan.FromSeconds(31));
        Task<ChannelBacking> late = opener.OpenAsync(s_inner, null, default).AsTask();
        Assert.False(late.IsCompleted);
        gate.SetResult();
        await late.WaitAsync(s_hang);
        Assert.Equal(1, _dialer.Servers[1].ActiveChannels);
    }

    [Fact]
    public async Task Without_ReplaceSessions_the_next_session_is_connected_when_a_channel_needs_it()
    {
        ChannelOpener opener = Make(o => o.ReplaceSessions = false);
        await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang);
        await _dialer.Servers[0].GoAwayAsync(TimeSpan.FromSeconds(30)).AsTask().WaitAsync(s_hang);
        await UntilAsync(() => opener.Sessions.Single().IsLeaving);
        await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang);
        Assert.Equal(2, _dialer.Servers[0].ActiveChannels);
        Assert.Equal(1, _dialer.Attempts);
        _time.Advance(TimeSpan.FromSeconds(31));
        await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang);
        Assert.Equal(1, _dialer.Servers[1].ActiveChannels);
    }

    [Fact]
    public async Task A_server_that_sends_a_go_away_on_every_session_is_not_connected_without_a_pause()
    {
        ChannelOpener opener = Make(o => (o.KeepConnected, o.Reconnect.InitialDelay, o.Reconnect.Jitter) = (true, TimeSpan.FromSeconds(4), 0));
        await opener.ConnectAsync(default);
        for (int i = 0; i < 5; i++)
        {
            int sessions = i + 1;
            await UntilAsync(() => _dialer.Servers.Count >= sessions);
            int attempts = _dialer.Attempts;
            await _dialer.Servers[i].GoAwayAsync(TimeSpan.Zero).AsTask().WaitAsync(s_hang);
            await UntilAsync(() => opener.SessionCount == 0 || _dialer.Attempts > attempts);
            if (_dialer.Attempts == attempts)
            {
                // The session had no channel, so it ended at once and was a failed attempt.
                await UntilAsync(() =>
                {
                    _time.Advance(TimeSpan.FromSeconds(1));
                    return _dialer.Attempts > attempts;
                });
            }
        }
        Assert.InRange(_dialer.Attempts, 5, 7);
    }

    [Fact]
    public async Task A_session_that_has_reached_its_age_is_replaced_and_loses_nothing()
    {
        ChannelOpener opener = Make(o => o.SessionLifetime = TimeSpan.FromMinutes(10));
        ChannelBacking old = await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang);
        // The test's jitter subtracts a twentieth. The clock moves in steps, so that the server can answer pings.
        for (int i = 0; i < 564; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
            if (i % 10 == 0)
            {
                await _dialer.Servers[0].PingAsync().AsTask().WaitAsync(s_hang);
            }
        }
        Assert.Equal(1, _dialer.Attempts);
        await AdvanceUntilAsync(() => _dialer.Attempts == 2, TimeSpan.FromMilliseconds(100));
        await UntilAsync(() => opener.SessionCount == 2);
        await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang);
        Assert.Equal([1, 1], _dialer.Servers.Select(s => s.ActiveChannels));
        await CloseAsync(opener, old);
        await _dialer.Servers[0].Completion.WaitAsync(s_hang);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_a_suspend_a_session_whose_server_does_not_answer_ends_within_two_seconds(bool monotonicGoesOn)
    {
        _dialer.IsFrozen = true;
        ChannelOpener opener = Make(Patient);
        await opener.ConnectAsync(default);
        _dialer.IsFrozen = false;
        // Long enough that the session is not a failed attempt.
        _time.Advance(TimeSpan.FromSeconds(10));
        _time.Suspend(TimeSpan.FromMinutes(5), monotonicGoesOn);
        long began = _time.GetTimestamp();
        await AdvanceUntilAsync(() => opener.SessionCount == 0, TimeSpan.FromMilliseconds(100));
        // Without the suspend it would take ten minutes. On a busy machine the clock advances further before the session has ended.
        Assert.InRange(_time.GetElapsedTime(began).TotalSeconds, 1, 600);
        await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang);
    }

    [Fact]
    public async Task A_suspend_ends_the_back_off()
    {
        ChannelOpener opener = Make(o => (o.Reconnect.InitialDelay, o.Reconnect.MaxDelay) = (TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(10)));
        await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang);
        _dialer.Failure = new IOException("nobody there");
        _dialer.Servers[0].Abort();
        await UntilAsync(() => opener.SessionCount == 0);
        Task<ChannelBacking> open = opener.OpenAsync(s_inner, null, default).AsTask();
        await UntilAsync(() => _dialer.Attempts == 2);
        _dialer.Failure = null;
        _time.Suspend(TimeSpan.FromMinutes(5));
        await AdvanceUntilAsync(open, TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public async Task Disposal_does_not_wait_for_a_server_that_hangs()
    {
        _dialer.IsFrozen = true;
        ChannelOpener opener = Make(o => (o.ShutdownTimeout, o.Limits.CloseTimeout) = (TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(10)));
        await opener.ConnectAsync(default);
        Task disposal = opener.DisposeAsync().AsTask();
        long began = _time.GetTimestamp();
        await AdvanceUntilAsync(disposal, TimeSpan.FromMilliseconds(100));
        // ShutdownTimeout and a second; CloseTimeout alone would be ten minutes.
        Assert.InRange(_time.GetElapsedTime(began).TotalSeconds, 0, 600);
    }

    private static async Task CloseAsync(ChannelOpener opener, ChannelBacking channel)
    {
        await channel.CloseAsync(default);
        opener.Release(((SessionChannel)channel).Session);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var hang = new CancellationTokenSource(s_hang);
        while (!condition())
        {
            await Task.Delay(1, hang.Token);
        }
    }

    /// <summary>A session without answers ends ten minutes after a ping. While real work is pending the clock may advance far, but not that far.</summary>
    private static void Patient(MtaTlsClientOptions options)
    {
        options.KeepAlive.Timeout = TimeSpan.FromMinutes(10);
        options.OpenTimeout = options.ConnectTimeout = Timeout.InfiniteTimeSpan;
    }

    private Task AdvanceUntilAsync(Func<bool> condition, TimeSpan step) => UntilAsync(() =>
    {
        if (condition())
        {
            return true;
        }

        _time.Advance(step);
        return false;
    });

    private async Task AdvanceUntilAsync(Task task, TimeSpan step)
    {
        using var hang = new CancellationTokenSource(s_hang);
        while (!task.IsCompleted)
        {
            _time.Advance(step);
            await Task.WhenAny(task, Task.Delay(5, hang.Token));
            hang.Token.ThrowIfCancellationRequested();
        }
        await task;
    }

    private ChannelOpener Make(Action<MtaTlsClientOptions>? configure = null)
    {
        var options = new MtaTlsClientOptions { Host = "gateway.test", TimeProvider = _time, ShutdownTimeout = TimeSpan.FromMilliseconds(1) };
        configure?.Invoke(options);
        var opener = new ChannelOpener(this, ClientSettings.From(options), _dialer, _counters, NullLogger.Instance, static () => 0.5);
        _openers.Add(opener);
        return opener;
    }

    /// <summary>A clock whose wall time can continue alone, as during a suspend.</summary>
    private sealed class SuspendableTime : FakeTimeProvider
    {
        private long _suspended;
        private long _monotonic;

        /// <param name="duration">How long.</param>
        /// <param name="monotonicGoesOn">Whether the monotonic clock continues, as on Windows.</param>
        public void Suspend(TimeSpan duration, bool monotonicGoesOn = false)
        {
            Interlocked.Add(ref _suspended, duration.Ticks);
            Interlocked.Add(ref _monotonic, monotonicGoesOn ? duration.Ticks : 0);
        }

        public override long GetTimestamp() => base.GetUtcNow().UtcTicks + Volatile.Read(ref _monotonic);

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Volatile.Read(ref _suspended));
    }
}
