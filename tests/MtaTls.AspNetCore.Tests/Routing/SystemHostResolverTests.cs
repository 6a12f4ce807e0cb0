using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Routing;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Tests.Routing;

public sealed class SystemHostResolverTests
{
    [Fact]
    public async Task Names_that_resolve_slowly_use_up_the_lookups_of_one_address_only()
    {
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        MtaTlsOptions options = new();
        (options.Tcp.MaxLookups, options.Tcp.MaxLookupsPerAddress) = (3, 2);
        TaskCompletionSource<IPAddress[]> slow = new();
        int started = 0;
        using SystemHostResolver resolver = Create(services, options, name =>
        {
            Interlocked.Increment(ref started);
            return name == "slow.example" ? slow.Task : Task.FromResult<IPAddress[]>([IPAddress.Loopback]);
        });
        ClientAddress greedy = NewClient(), modest = NewClient();
        using CancellationTokenSource impatient = new();
        Task<IPAddress[]>[] lookups = [.. Enumerable.Range(0, 10).Select(_ => resolver.ResolveAsync("slow.example", greedy, impatient.Token))];
        Assert.Equal(2, started);
        Assert.Equal([IPAddress.Loopback], await resolver.ResolveAsync("fast.example", modest, default));

        // A cancelled caller does not end the lookup, which still counts.
        await impatient.CancelAsync();
        foreach (Task<IPAddress[]> lookup in lookups)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => lookup);
        }

        Task<IPAddress[]> next = resolver.ResolveAsync("fast.example", greedy, default);
        Assert.Equal(3, started);
        Assert.Equal([IPAddress.Loopback], await resolver.ResolveAsync("fast.example", modest, default));
        slow.SetResult([]);
        Assert.Equal([IPAddress.Loopback], await next.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Equal(5, started);
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
    [InlineData("fe80::1%3", "fe80::")]
    public void A_client_is_an_IPv4_address_or_a_64_of_IPv6(string remote, string client) =>
        Assert.Equal(IPAddress.Parse(client), ClientAddresses.Key(new IPEndPoint(IPAddress.Parse(remote), 4711)));

    internal static SystemHostResolver Create(ServiceProvider services, MtaTlsOptions? options = null, Func<string, Task<IPAddress[]>>? lookUp = null) =>
        new(
            Options.Create(options ?? new MtaTlsOptions()),
            new LimitReports(new MtaTlsMetrics(services.GetRequiredService<IMeterFactory>()), NullLoggerFactory.Instance, TimeProvider.System))
        {
            LookUp = lookUp ?? Dns.GetHostAddressesAsync,
        };

    private static ClientAddress NewClient() => new(new MtaTlsLimits(), new MtaTlsReceiveBudget(1 << 20), new MtaTlsSendBudget(1 << 20));
}
