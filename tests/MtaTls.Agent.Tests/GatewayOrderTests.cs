using Microsoft.Extensions.Time.Testing;
using MtaTls.Agent.Links;
using MtaTls.Client;

namespace MtaTls.Agent.Tests;

/// <summary>To which gateway a session connects next, and after which pause.</summary>
public class GatewayOrderTests
{
    private static readonly Uri[] s_gateways = [new("https://a"), new("https://b"), new("https://c")];

    [Fact]
    public void Pauses_double_from_the_first_to_the_longest()
    {
        MtaTlsReconnectOptions options = new() { InitialDelay = TimeSpan.FromSeconds(1), MaxDelay = TimeSpan.FromSeconds(10), Jitter = 0 };
        Assert.Equal([1, 2, 4, 8, 10, 10], Enumerable.Range(1, 6).Select(i => GatewayOrder.Delay(options, i, isFinal: false, 0).TotalSeconds));
        Assert.Equal(10, GatewayOrder.Delay(options, int.MaxValue, isFinal: false, 0).TotalSeconds);
    }

    [Fact]
    public void After_a_refusal_the_pause_is_the_longest_at_once()
        => Assert.Equal(30, GatewayOrder.Delay(new MtaTlsReconnectOptions { Jitter = 0 }, 1, isFinal: true, 0).TotalSeconds);

    [Theory]
    [InlineData(0, 8)]
    [InlineData(0.5, 6)]
    [InlineData(1, 4)]
    public void Jitter_subtracts_a_random_part(double random, double seconds)
    {
        MtaTlsReconnectOptions options = new() { InitialDelay = TimeSpan.FromSeconds(8), Jitter = 0.5 };
        Assert.Equal(seconds, GatewayOrder.Delay(options, 1, isFinal: false, random).TotalSeconds);
    }

    [Fact]
    public void Without_back_off_there_is_no_pause()
        => Assert.Equal(TimeSpan.Zero, GatewayOrder.Delay(new MtaTlsReconnectOptions { InitialDelay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero }, 5, isFinal: false, 0.5));

    [Theory]
    [InlineData(0, "https://a/")]
    [InlineData(1, "https://b/")]
    [InlineData(3, "https://a/")]
    public void Sessions_are_spread(int index, string gateway) => Assert.Equal(gateway, GatewayOrder.Choose(s_gateways, index, 0, static _ => false).ToString());

    [Fact]
    public void Gateways_of_other_sessions_come_last()
    {
        static bool IsTaken(Uri gateway) => gateway.Host is "a" or "c";
        Assert.Equal(["b", "a", "c", "b"], Enumerable.Range(0, 4).Select(failures => GatewayOrder.Choose(s_gateways, 0, failures, IsTaken).Host));
        Assert.Equal(["b", "c", "a"], Enumerable.Range(0, 3).Select(failures => GatewayOrder.Choose(s_gateways, 2, failures, IsTaken).Host));
    }

    [Fact]
    public void A_single_gateway_is_chosen_even_if_another_session_has_it()
        => Assert.Equal("a", GatewayOrder.Choose([s_gateways[0]], 1, 5, static _ => true).Host);

    [Theory]
    [InlineData(30, 0, 0, 0)]
    [InlineData(30, 0.5, 0, 6)]
    [InlineData(30, 0.999, 0, 11.988)]
    [InlineData(30, 0.5, 2, 8)]
    [InlineData(1e9, 0.5, 0, 720)]
    [InlineData(-5, 0.5, 0, 0)]
    public async Task Agents_leave_a_stopping_gateway_spread_over_a_part_of_its_deadline(double deadline, double random, double backOff, double seconds)
    {
        FakeTimeProvider time = new();
        Task leaves = GatewayOrder.SpreadAsync(deadline, random, TimeSpan.FromSeconds(backOff), time, CancellationToken.None);
        var pause = TimeSpan.FromSeconds(seconds);
        if (seconds > 0)
        {
            time.Advance(pause - TimeSpan.FromMilliseconds(1));
            Assert.False(leaves.IsCompleted);
            time.Advance(TimeSpan.FromMilliseconds(1));
        }

        await leaves;
    }

    [Fact]
    public async Task A_stop_of_the_agent_ends_the_wait()
    {
        using CancellationTokenSource stopping = new();
        Task leaves = GatewayOrder.SpreadAsync(30, 0.5, TimeSpan.Zero, new FakeTimeProvider(), stopping.Token);
        await stopping.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaves);
    }
}
