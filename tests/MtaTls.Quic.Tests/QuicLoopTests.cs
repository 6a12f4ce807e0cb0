using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;

namespace MtaTls.Quic.Tests;

/// <summary>A clock of the app that throws: the only code of others that a loop calls outside its connections.</summary>
public class QuicLoopTests
{
    [Fact]
    public async Task An_exception_at_a_packet_of_no_connection_is_logged_and_the_loop_goes_on()
    {
        var logs = new RecordingLogs();
        var clock = new FailingClock();
        await using var server = Server.Start(logs, clock, static options =>
        {
            // A key of its own: the times in the tokens are those of the day, which several listeners share.
            options.RetryKey = new byte[32];
            options.AddressValidation = QuicAddressValidation.Always;
        });
        clock.HasNoDate = true;
        RecordingHandler first = server.Connect();

        await RecordingHandler.Until(() => logs.Events.Contains("QuicActionFailed"));
        Assert.False(first.IsConnected);

        clock.HasNoDate = false;
        await server.Connect().Connected;
        Assert.DoesNotContain("QuicLoopFailed", logs.Events);
    }

    [Fact]
    public async Task A_loop_that_fails_ends_its_connections_and_says_so()
    {
        var logs = new RecordingLogs();
        var clock = new FailingClock();
        await using var server = Server.Start(logs, clock);
        RecordingHandler client = server.Connect();
        await client.Connected;
        RecordingHandler accepted = await server.Accepted.WaitAsync(RecordingHandler.Timeout, TestContext.Current.CancellationToken);

        clock.HasNoTime = true;

        Assert.Equal(QuicCloseKind.Aborted, (await accepted.Closed).Kind);
        Assert.Single(logs.Events, "QuicLoopFailed");
    }

    /// <summary>A listener with a clock of its own. The clients have the system's.</summary>
    private sealed class Server : IAsyncDisposable
    {
        private readonly IQuicEngine _engine, _clients;
        private readonly IQuicListener _listener;
        private readonly TaskCompletionSource<RecordingHandler> _accepted = new(TaskCreationOptions.RunContinuationsAsynchronously);

        private Server(RecordingLogs logs, TimeProvider clock, Action<QuicListenerOptions>? configure)
        {
            _engine = QuicEngine.Create(logs, clock);
            _clients = QuicEngine.Create(new RecordingLogs());
            QuicListenerOptions options = QuicFixture.ServerOptions();
            configure?.Invoke(options);
            _listener = _engine.Listen(options, _ =>
            {
                var handler = new RecordingHandler();
                handler.ConnectedAction = _ => _accepted.TrySetResult(handler);
                return handler;
            });
        }

        public Task<RecordingHandler> Accepted => _accepted.Task;

        public static Server Start(RecordingLogs logs, TimeProvider clock, Action<QuicListenerOptions>? configure = null)
        {
            Assert.SkipUnless(QuicEngine.IsSupported, QuicEngine.UnsupportedReason ?? "");
            return new Server(logs, clock, configure);
        }

        public RecordingHandler Connect()
        {
            var handler = new RecordingHandler();
            // Pings make sure that the listener's loop has something to do.
            QuicClientOptions options = QuicFixture.ClientOptions(_listener.LocalEndPoints[0]);
            options.KeepAliveInterval = TimeSpan.FromMilliseconds(50);
            _clients.Connect(options, handler);
            return handler;
        }

        public async ValueTask DisposeAsync()
        {
            await _clients.DisposeAsync();
            await _listener.DisposeAsync();
            await _engine.DisposeAsync();
        }
    }

    private sealed class FailingClock : TimeProvider
    {
        private volatile bool _hasNoDate, _hasNoTime;

        public bool HasNoDate
        {
            set => _hasNoDate = value;
        }

        public bool HasNoTime
        {
            set => _hasNoTime = value;
        }

        public override DateTimeOffset GetUtcNow() => _hasNoDate ? throw new InvalidOperationException("no date") : base.GetUtcNow();

        public override long GetTimestamp() => _hasNoTime ? throw new InvalidOperationException("no time") : base.GetTimestamp();
    }
}
