using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using MtaTls.AspNetCore;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Client;

/// <summary>The logs, metrics and activities of both ends show the same end reason of a session.</summary>
public sealed class SessionEndReportTests
{
    [Theory]
    [InlineData("client disposed", "shutdown", "peer_closed")]
    [InlineData("client idle", "idle", "peer_closed")]
    [InlineData("server idle", "peer_closed", "idle")]
    [InlineData("server ends", "peer_closed|shutdown", "shutdown|peer_closed")]
    [InlineData("server aborts", "transport_lost", "aborted")]
    public async Task Both_ends_report_how_a_session_ended(string how, string atClient, string atServer)
    {
        List<Activity> stopped = [];
        using ActivityListener activities = new()
        {
            ShouldListenTo = static source => source.Name is "MtaTls.AspNetCore" or "MtaTls.Client",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                lock (stopped)
                {
                    stopped.Add(activity);
                }
            },
        };
        ActivitySource.AddActivityListener(activities);
        string name = $"End of {how}";
        await using TestApp app = await TestApp.StartAsync(
            static a => a.MapGet("/", static () => "hello"),
            o => o.Limits.SessionIdleTimeout = how == "server idle" ? TimeSpan.FromMilliseconds(1) : TimeSpan.FromHours(1),
            listen: e => e.UseMtaTls(o => o.Name = name));
        using MetricCollector<double> server = new(app.Services.GetRequiredService<IMeterFactory>(), "MtaTls.AspNetCore", "mtatls.server.session.duration");
        using MetricCollector<double> client = new(null, "MtaTls.Client", "mtatls.client.session.duration");
        FakeLogCollector log = new();
        using ILoggerFactory loggers = LoggerFactory.Create(builder => builder.SetMinimumLevel(LogLevel.Debug).AddProvider(new FakeLoggerProvider(log)));
        await using (MtaTlsClient session = await MtaTlsClient.ConnectAsync(new MtaTlsClientOptions
        {
            Host = "localhost",
            Port = app.Port,
            CertificateChainPolicy = TestCertificates.TrustRoot(),
            SessionIdleTimeout = how == "client idle" ? TimeSpan.FromMilliseconds(1) : TimeSpan.FromHours(1),
            LoggerFactory = loggers,
        }).AsTask().Soon())
        {
            IMtaTlsSessions sessions = app.Services.GetRequiredService<IMtaTlsSessions>();
            await using MtaTlsClientChannel channel = await session.OpenChannelAsync("app.test", 80).Soon();
            await Wait.UntilAsync(() => sessions.List().Count == 1);
            // A connection that is lost without a channel is no failure.
            if (how != "server aborts")
            {
                await channel.DisposeAsync();
            }

            string id = sessions.List() is [var one] ? one.SessionId : "";
            _ = how switch
            {
                "server ends" => sessions.End(id),
                "server aborts" => sessions.Abort(id),
                _ => true,
            };
            if (how != "client disposed")
            {
                await Wait.UntilAsync(() => session.GetStatistics().ActiveSessions == 0);
            }
        }

        // On a machine that stalls, an idle server may have ended another session before the channel was opened. That one ended in the same way.
        await Wait.UntilAsync(() => server.GetMeasurementSnapshot().Count > 0 && Client().Length > 0 && Ours().Select(static a => a.Source.Name).Distinct().Count() == 2);
        CollectedMeasurement<double>[] measured = [Client()[0], server.GetMeasurementSnapshot()[0]];
        // After a go-away the client ends the session too, so either end may be first.
        string[] expected = [.. new[] { atClient, atServer }.Select((ends, i) => ends.Split('|').Contains(measured[i].Tags["mtatls.session.end"]) ? (string)measured[i].Tags["mtatls.session.end"]! : ends)];
        for (int i = 0; i < 2; i++)
        {
            bool failed = expected[i] is "transport_lost" or "aborted";
            Assert.Equal(expected[i], measured[i].Tags["mtatls.session.end"]);
            Assert.Equal(failed ? expected[i] : null, measured[i].Tags.GetValueOrDefault("error.type"));
            Activity activity = Ours().First(a => (a.Source.Name == "MtaTls.Client") == (i == 0));
            Assert.Equal(expected[i], activity.GetTagItem("mtatls.session.end"));
            Assert.Equal(failed ? ActivityStatusCode.Error : ActivityStatusCode.Unset, activity.Status);
            FakeLogRecord[] logged = [.. (i == 0 ? log : app.Logs).GetSnapshot().Where(static r => r.Id.Name is "SessionEnded" or "SessionFailed")];
            Assert.Contains(logged, r => r.GetStructuredStateValue("End")?.Replace("_", "", StringComparison.Ordinal).Equals(expected[i].Replace("_", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase) == true);
        }

        // Clients of other tests use the same meter and activity source.
        CollectedMeasurement<double>[] Client() => [.. client.GetMeasurementSnapshot().Where(m => Equals(m.Tags["server.port"], app.Port))];

        Activity[] Ours()
        {
            lock (stopped)
            {
                return [.. stopped.Where(a => a.OperationName == "mtatls.session" && (name.Equals(a.GetTagItem("mtatls.endpoint")) || app.Port.Equals(a.GetTagItem("server.port"))))];
            }
        }
    }
}
