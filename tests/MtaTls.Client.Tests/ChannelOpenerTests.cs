using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using MtaTls.Client.Sessions;
using MtaTls.Protocol;

namespace MtaTls.Client.Tests;

#pragma warning disable CA1001 // The pools dispose the dialer.
public sealed class ChannelOpenerTests : IAsyncLifetime
#pragma warning restore CA1001
{
    private static readonly TimeSpan s_hang = TimeSpan.FromMinutes(5);
    private static readonly ChannelAddress s_inner = new("inner.test", 7);
    private static readonly ChannelAddress s_endpoint = new("gateway.test", 443);

    private readonly FakeTimeProvider _time = new();
    private readonly MemoryDialer _dialer = new();
    private readonly ClientCounters _counters = new();
    private readonly List<ChannelOpener> _openers = [];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        var disposal = Task.WhenAll(_openers.Select(p => p.DisposeAsync().AsTask()));
        // Channels that a test has left open are aborted after ShutdownTimeout of the fake clock.
        while (await Task.WhenAny(disposal, Task.Delay(10)) != disposal)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        await disposal;
    }

    [Fact]
    public async Task All_waiting_callers_share_one_attempt()
    {
        var gate = new TaskCompletionSource();
        _dialer.Gate = gate.Task;
        ChannelOpener opener = Make();
        Task<ChannelBacking>[] opens = [.. Enumerable.Range(0, 50).Select(_ => opener.OpenAsync(s_inner, null, default).AsTask())];
        gate.SetResult();
        ChannelBacking[] channels = await Task.WhenAll(opens).WaitAsync(s_hang);
        Assert.Equal(1, _dialer.Attempts);
        Assert.Equal(50, channels.Select(c => c.Id).Distinct().Count());
    }

    [Fact]
    public async Task A_caller_that_gives_up_leaves_the_attempt_to_the_others()
    {
        var gate = new TaskCompletionSource();
        _dialer.Gate = gate.Task;
        ChannelOpener opener = Make();
        using var cancel = new CancellationTokenSource();
        Task<ChannelBacking> impatient = opener.OpenAsync(s_inner, null, cancel.Token).AsTask(), patient = opener.OpenAsync(s_inner, null, default).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        gate.SetResult();
        await patient.WaitAsync(s_hang);
        Assert.Equal(1, _dialer.Attempts);
    }

    [Fact]
    public async Task The_claimed_source_is_the_local_address_unless_Source_is_set()
    {
        var sources = new List<ChannelAddress>();
        _dialer.Answer = request =>
        {
            sources.Add(request.Source);
            request.Accept();
        };
        ChannelOpener opener = Make(), other = Make(o => o.Source = new ChannelAddress("198.51.100.1", 1));
        await opener.OpenAsync(s_inner, null, default);
        await opener.OpenAsync(s_inner, new ChannelAddress("198.51.100.2", 2), default);
        await other.OpenAsync(s_inner, null, default);
        Assert.Equal([new("192.0.2.1", 4711), new("198.51.100.2", 2), new("198.51.100.1", 1)], sources);
    }

    [Fact]
    public async Task A_full_server_makes_it_learn_the_limit_and_connect_another_session()
    {
        _dialer.ServerLimits = limits => limits.MaxChannelsPerSession = 3;
        ChannelOpener opener = Make();
        var channels = new List<ChannelBacking>();
        for (int i = 0; i < 7; i++)
        {
            channels.Add(await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang));
        }

        Assert.Equal([3, 3, 1], _dialer.Servers.Select(s => s.ActiveChannels));
        Assert.Equal(3, opener.SessionCount);
    }

    [Fact]
    public async Task The_session_of_a_server_that_shuts_down_is_replaced_while_open_channels_finish()
    {
        ChannelOpener opener = Make();
        await opener.OpenAsync(s_inner, null, default);
        _dialer.Servers[0].RefuseNewChannels();
        ChannelBacking second = await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang);
        Assert.Equal(2, _dialer.Attempts);
        Assert.Equal(1, _dialer.Servers[0].ActiveChannels);
        Assert.NotNull(second.Id);
    }

    [Fact]
    public async Task A_session_that_ended_is_replaced_at_once()
    {
        ChannelOpener opener = Make();
        await opener.OpenAsync(s_inner, null, default);
        for (int i = 0; i < 3; i++)
        {
            _dialer.Servers[^1].Abort();
            await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang);
        }
        Assert.InRange(_dialer.Attempts, 2, 4);
    }

    [Fact]
    public async Task A_refusal_by_the_destination_is_thrown_and_causes_no_other_session()
    {
        _dialer.Answer = static request => request.Refuse("no route");
        ChannelOpener opener = Make();
        for (int i = 0; i < 3; i++)
        {
            MtaTlsChannelRefusedException refused = await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(async () => await opener.OpenAsync(s_inner, null, default));
            Assert.Equal("no route", refused.Reason);
        }
        Assert.Equal(1, _dialer.Attempts);
        Assert.Equal(3, _counters.Snapshot(0, 0, 0).ChannelsRefused);
    }

    [Fact]
    public async Task After_a_failed_attempt_opens_fail_at_once_until_the_back_off_has_passed()
    {
        ChannelOpener opener = Make(o => (o.Reconnect.InitialDelay, o.Reconnect.Jitter) = (TimeSpan.FromSeconds(4), 0));
        _dialer.Failure = new IOException("nobody there");
        Assert.Same(_dialer.Failure, await Assert.ThrowsAsync<IOException>(async () => await opener.OpenAsync(s_inner, null, default)));
        IOException second = await Assert.ThrowsAsync<IOException>(async () => await opener.OpenAsync(s_inner, null, default));
        Assert.Same(_dialer.Failure, second.InnerException);
        Assert.Contains("nobody there", second.Message, StringComparison.Ordinal);
        Assert.Equal(1, _dialer.Attempts);
        _time.Advance(TimeSpan.FromSeconds(4));
        await Assert.ThrowsAsync<IOException>(async () => await opener.OpenAsync(s_inner, null, default));
        Assert.Equal(2, _dialer.Attempts);
        _time.Advance(TimeSpan.FromSeconds(7.9));
        await Assert.ThrowsAsync<IOException>(async () => await opener.OpenAsync(s_inner, null, default));
        Assert.Equal(2, _dialer.Attempts);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        _dialer.Failure = null;
        await opener.OpenAsync(s_inner, null, default);
        Assert.Equal(3, _dialer.Attempts);
    }

    public static TheoryData<Exception> Failures => new((Exception[])[
        new AuthenticationException("the certificate has expired"),
        new SocketException((int)SocketError.HostNotFound, "no such host"),
        new MtaTlsNotNegotiatedException("no extension"),
        new IOException("nobody there")]);

    [Theory]
    [MemberData(nameof(Failures), DisableDiscoveryEnumeration = true)]
    public async Task During_the_back_off_opens_fail_with_the_same_exception_type(Exception failure)
    {
        ChannelOpener opener = Make(o => o.Mode = MtaTlsClientMode.Required);
        _dialer.Failure = failure;
        Assert.Same(failure, await Assert.ThrowsAsync(failure.GetType(), async () => await opener.OpenAsync(s_inner, null, default)));
        Exception again = await Assert.ThrowsAsync(failure.GetType(), async () => await opener.OpenAsync(s_inner, null, default));
        Assert.NotSame(failure, again);
        Assert.StartsWith(failure.Message, again.Message, StringComparison.Ordinal);
        Assert.Contains("Failed attempts: 1.", again.Message, StringComparison.Ordinal);
        Assert.Equal((failure as SocketException)?.SocketErrorCode, (again as SocketException)?.SocketErrorCode);
        Assert.Equal(1, _dialer.Attempts);
    }

    [Fact]
    public async Task Fallback_uses_the_first_connection_and_then_one_for_each_channel()
    {
        _dialer.IsMultiplexed = false;
        ChannelOpener opener = Make();
        await opener.ConnectAsync(default);
        for (int i = 1; i <= 3; i++)
        {
            ChannelBacking channel = await opener.OpenAsync(s_endpoint, null, default).AsTask().WaitAsync(s_hang);
            Assert.Null(channel.Id);
            Assert.Equal(i, _dialer.Attempts);
        }
    }

    [Fact]
    public async Task A_destination_that_is_not_the_endpoint_never_falls_back_and_does_not_connect_again_at_once()
    {
        _dialer.IsMultiplexed = false;
        ChannelOpener opener = Make();
        await Assert.ThrowsAsync<MtaTlsNotNegotiatedException>(async () => await opener.OpenAsync(s_inner, null, default));
        await Assert.ThrowsAsync<MtaTlsNotNegotiatedException>(async () => await opener.OpenAsync(s_inner, null, default));
        Assert.Equal(1, _dialer.Attempts);
        // If the server speaks MTA-TLS later, the client notices it.
        _dialer.IsMultiplexed = true;
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.NotNull((await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang)).Id);
    }

    [Fact]
    public async Task A_server_that_begins_to_speak_MTA_TLS_gets_a_session_with_the_next_fallback()
    {
        _dialer.IsMultiplexed = false;
        ChannelOpener opener = Make();
        Assert.Null((await opener.OpenAsync(s_endpoint, null, default)).Id);
        _dialer.IsMultiplexed = true;
        Assert.NotNull((await opener.OpenAsync(s_endpoint, null, default).AsTask().WaitAsync(s_hang)).Id);
        Assert.NotNull((await opener.OpenAsync(s_endpoint, null, default).AsTask().WaitAsync(s_hang)).Id);
        Assert.Equal(2, _dialer.Attempts);
    }

    [Fact]
    public async Task With_KeepConnected_a_server_without_MTA_TLS_is_tried_again_after_a_minute_and_not_before()
    {
        _dialer.IsMultiplexed = false;
        ChannelOpener opener = Make(o => o.KeepConnected = true);
        await opener.ConnectAsync(default);
        for (int attempts = 2; attempts <= 4; attempts++)
        {
            long began = _time.GetTimestamp();
            while (_dialer.Attempts < attempts)
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                await Task.Delay(1);
            }

            // On a busy machine the clock advances further before the attempt begins.
            Assert.True(_time.GetElapsedTime(began) >= TimeSpan.FromSeconds(59));
        }
    }

    [Fact]
    public async Task A_session_that_ends_before_any_channel_is_a_failed_attempt()
    {
        ChannelOpener opener = Make(o => (o.Reconnect.InitialDelay, o.Reconnect.Jitter) = (TimeSpan.FromSeconds(4), 0));
        await opener.ConnectAsync(default);
        _dialer.Servers[0].Abort(new IOException("hangs up"));
        while (opener.SessionCount > 0)
        {
            await Task.Delay(1);
        }

        await Assert.ThrowsAsync<IOException>(async () => await opener.OpenAsync(s_inner, null, default));
        Assert.Equal(1, _dialer.Attempts);
        _time.Advance(TimeSpan.FromSeconds(4));
        await opener.OpenAsync(s_inner, null, default).AsTask().WaitAsync(s_hang);
    }

    [Theory]
    [InlineData("gateway.test", 443, true)]
    [InlineData("GATEWAY.test", 443, true)]
    [InlineData("gateway.test.", 443, true)]
    [InlineData("name.test", 443, true)]
    [InlineData("gateway.test", 444, false)]
    [InlineData("inner.test", 443, false)]
    public void The_endpoint_is_recognized_by_its_host_or_by_the_verified_name(string host, int port, bool expected)
    {
        var settings = ClientSettings.From(new MtaTlsClientOptions { Host = "gateway.test", TargetHost = "name.test" });
        Assert.Equal(expected, settings.IsEndpoint(new ChannelAddress(host, port)));
    }

    private ChannelOpener Make(Action<MtaTlsClientOptions>? configure = null)
    {
        var options = new MtaTlsClientOptions { Host = s_endpoint.Host, Port = s_endpoint.Port, TimeProvider = _time, ShutdownTimeout = TimeSpan.FromMilliseconds(1) };
        configure?.Invoke(options);
        var opener = new ChannelOpener(this, ClientSettings.From(options), _dialer, _counters, NullLogger.Instance, static () => 0.5);
        _openers.Add(opener);
        return opener;
    }
}
