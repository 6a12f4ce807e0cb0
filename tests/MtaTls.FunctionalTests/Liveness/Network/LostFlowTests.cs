using System.Diagnostics;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Liveness.Network;

/// <summary>A router drops a connection silently, and new connections work. The tests check the effect on requests; times are printed, not asserted.</summary>
[Collection(SerialCollection.Name)]
public sealed class LostFlowTests : IDisposable
{
    private readonly TestNetwork _network;
    private readonly ITestOutputHelper _output;

    public LostFlowTests(ITestOutputHelper output)
    {
        TestNetwork.SkipUnlessPossible();
        _output = output;
        _network = new TestNetwork();
    }

    public void Dispose() => _network?.Dispose();

    /// <summary>An open without an answer causes a ping after a second, and is then tried on another session, before any data of the application was sent.</summary>
    [Fact]
    public async Task A_lost_connection_without_channels_costs_no_request()
    {
        _network.Translate(seconds: 600);
        await using NetworkServer server = await NetworkServer.StartAsync(_network);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(server.Options(static _ => { }));
        Assert.Equal("hello", await NetworkServer.GetAsync(client));
        await Wait.UntilAsync(() => client.GetStatistics().ActiveChannels == 0);

        _network.ForgetTranslations();
        long begin = Stopwatch.GetTimestamp();
        Assert.Equal("hello", await NetworkServer.GetAsync(client));
        _output.WriteLine($"No request lost; answered after {Stopwatch.GetElapsedTime(begin).TotalSeconds:0.0} s.");
        Assert.True(client.GetStatistics().Handshakes >= 2);
    }

    /// <summary>One request on an open channel is lost with its session. Later requests use another session.</summary>
    [Fact]
    public async Task A_lost_connection_with_an_open_channel_costs_one_request()
    {
        _network.Translate(seconds: 600);
        await using NetworkServer server = await NetworkServer.StartAsync(_network);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(server.Options(static _ => { }));
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(client)) { Timeout = Wait.Timeout };
        Assert.Equal("hello", await http.GetStringAsync(new Uri("https://app.test/")));
        Assert.Equal(1, client.GetStatistics().ActiveChannels);

        _network.ForgetTranslations();
        long begin = Stopwatch.GetTimestamp();
        // Like an application that stops waiting: the channel of that request is closed, and the next request opens another.
        using CancellationTokenSource impatient = new(TimeSpan.FromSeconds(5));
        await Assert.ThrowsAnyAsync<Exception>(() => http.GetStringAsync(new Uri("https://app.test/"), impatient.Token));
        http.CancelPendingRequests();
        using var patient = new HttpClient(new SocketsHttpHandler().UseMtaTls(client)) { Timeout = Wait.Timeout };
        Assert.Equal("hello", await patient.GetStringAsync(new Uri("https://app.test/")));
        _output.WriteLine($"One request lost; answered after {Stopwatch.GetElapsedTime(begin).TotalSeconds:0.0} s.");
        Assert.True(client.GetStatistics().Handshakes >= 2);
    }
}
