using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Time.Testing;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;
using Polly;

namespace MtaTls.FunctionalTests.Client;

/// <summary>Retries of <see cref="MtaTlsRetryHandler"/> and of Microsoft.Extensions.Http.Resilience on one client.</summary>
public sealed class ResilienceTests
{
    public enum Added
    {
        Before,
        After,
        ByDefault,
        AfterAndMaxRetriesIsSet,
    }

    [Theory]
    [InlineData(Added.Before, 4)]
    [InlineData(Added.After, 4)]
    [InlineData(Added.ByDefault, 4)]
    [InlineData(Added.AfterAndMaxRetriesIsSet, 8)]
    public async Task Retries_multiply_only_if_both_are_configured(Added added, int attempts)
    {
        int served = 0;
        GatewayApp? app = null;
        app = await GatewayApp.StartAsync(map: a => a.MapGet("/drops", async (HttpContext context) =>
        {
            Interlocked.Increment(ref served);
            app!.DropConnections();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        }));
        await using (app)
        {
            ServiceCollection services = new();
            if (added == Added.ByDefault)
            {
                services.ConfigureHttpClientDefaults(static b => Resilient(b));
            }

            IHttpClientBuilder builder = services.AddHttpClient("gateway", static c => c.Timeout = Wait.Timeout);
            if (added == Added.Before)
            {
                Resilient(builder);
            }

            builder.UseMtaTls(o =>
            {
                (o.Host, o.Port, o.CertificateChainPolicy) = ("localhost", app.Port, GatewayCertificates.Trust());
                if (added == Added.AfterAndMaxRetriesIsSet)
                {
                    o.MaxRetries = 1;
                }
            });
            if (added is Added.After or Added.AfterAndMaxRetriesIsSet)
            {
                Resilient(builder);
            }

            await using ServiceProvider provider = services.BuildServiceProvider();
            using HttpClient http = provider.GetRequiredService<IHttpClientFactory>().CreateClient("gateway");
            await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(app.Uri("/drops")).Soon());
            Assert.Equal(attempts, served);
        }

        static void Resilient(IHttpClientBuilder client) => client.AddStandardResilienceHandler(static o =>
        {
            // 3 retries, the default, but without delays.
            o.Retry.Delay = TimeSpan.Zero;
            o.Retry.BackoffType = DelayBackoffType.Constant;
            o.AttemptTimeout.Timeout = o.TotalRequestTimeout.Timeout = TimeSpan.FromSeconds(60);
            o.CircuitBreaker.SamplingDuration = TimeSpan.FromSeconds(120);
            o.CircuitBreaker.MinimumThroughput = 1000;
        });
    }

    [Fact]
    public async Task Pauses_between_retries_use_the_given_clock()
    {
        FakeTimeProvider time = new();
        using LosingHandler lost = new();
        using HttpMessageInvoker invoker = new(new MtaTlsRetryHandler(lost, maxRetries: 3, time));
        using HttpRequestMessage request = new(HttpMethod.Get, "https://app.internal/");
        Task<HttpResponseMessage> response = invoker.SendAsync(request, default);
        // The first retry follows at once. The second waits 100 ms on a clock that stands still.
        await Wait.UntilAsync(() => lost.Attempts == 2);
        time.Advance(TimeSpan.FromMilliseconds(99));
        Assert.Equal(2, lost.Attempts);
        Assert.False(response.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        await Wait.UntilAsync(() => lost.Attempts == 3);
        await Wait.UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromMilliseconds(200));
            return response.IsCompleted;
        });
        await Assert.ThrowsAsync<HttpRequestException>(() => response);
        Assert.Equal(4, lost.Attempts);
    }

    private sealed class LosingHandler : HttpMessageHandler
    {
        private int _attempts;

        public int Attempts => Volatile.Read(ref _attempts);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _attempts);
            throw new HttpRequestException(HttpRequestError.ConnectionError, "lost", new IOException("lost"));
        }
    }
}
