using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Hosting;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Liveness;

/// <summary>One of several servers behind a load balancer, which is restarted on its port. Executed requests are counted outside of it.</summary>
internal sealed class RollingServer(int port, bool hasDelay, ConcurrentDictionary<string, int> executed) : IAsyncDisposable
{
    private static readonly TimeSpan s_delay = TimeSpan.FromMinutes(20);
    private GatedTime _time = null!;
    private TestApp? _app;

    public async Task StartAsync()
    {
        _time = new GatedTime(s_delay - TimeSpan.FromMinutes(1), s_delay);
        _app = await TestApp.StartBareAsync(
            builder =>
            {
                builder.Services.AddSingleton<TimeProvider>(_time);
                builder.Services.AddHealthChecks().AddMtaTls();
                builder.Services.Configure<HostOptions>(static o => o.ShutdownTimeout = TimeSpan.FromMinutes(30));
                builder.Logging.SetMinimumLevel(LogLevel.Information);
                builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, port, static e => e.UseHttps(TestCertificates.Server)));
                builder.WebHost.UseMtaTls(o => o.Shutdown.Delay = hasDelay ? s_delay : TimeSpan.Zero);
            },
            app =>
            {
                app.MapHealthChecks("/health");
                app.MapPost("/count/{id}", async (string id, HttpContext context) =>
                {
                    await context.Request.Body.CopyToAsync(Stream.Null);
                    executed.AddOrUpdate(id, 1, static (_, count) => count + 1);
                    await Task.Delay(Random.Shared.Next(10));
                    return id;
                });
            });
    }

    /// <summary>Begins to stop. If there is a delay, it lasts until <paramref name="hasGone"/> completes.</summary>
    public async Task StopAsync(Func<Task> hasGone)
    {
        Task stopping = _app!.App.StopAsync();
        if (hasDelay)
        {
            await Wait.UntilAsync(() => _time.Waiting == 1);
            await hasGone();
            Assert.False(stopping.IsCompleted);
            _time.Open();
        }

        await stopping.Soon();
        await _app.DisposeAsync();
        _app = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            Task stopping = _app.App.StopAsync();
            await Wait.UntilAsync(() => _time.Waiting == 1 || stopping.IsCompleted);
            _time.Open();
            await stopping.Soon();
            await _app.DisposeAsync();
        }
    }
}
