using System.Diagnostics;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Liveness.Network;

/// <summary>A router forgets a connection without a word, and new connections pass: what requests see of it. No time is asserted; the output tells it.</summary>
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

    /// <summary>An open that is not answered is asked about after a second, and goes to another session before anything of the application's was sent.</summary>
    [Fact]
    public async Task A_session_without_channels_that_the_router_has_forgotten_costs_no_request()
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
        Assert.Equal(2, client.GetStatistics().Handshakes);
    }

    /// <summary>A request on a channel that is open is lost with its session, once. Those after it go to another session.</summary>
    [Fact]
    public async Task A_session_with_an_open_channel_that_the_router_has_forgotten_costs_one_request()
    {
        _network.Translate(seconds: 600);
        await using NetworkServer server = await NetworkServer.StartAsync(_network);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(server.Options(static _ => { }));
        // As an application that gives up on an answer: the channel of that request is closed, and the next one opens another.
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(client)) { Timeout = TimeSpan.FromSeconds(5) };
        Assert.Equal("hello", await http.GetStringAsync(new Uri("https://app.test/")));
        Assert.Equal(1, client.GetStatistics().ActiveChannels);

        _network.ForgetTranslations();
        long begin = Stopwatch.GetTimestamp();
        await Assert.ThrowsAnyAsync<Exception>(() => http.GetStringAsync(new Uri("https://app.test/")));
        http.CancelPendingRequests();
        using var patient = new HttpClient(new SocketsHttpHandler().UseMtaTls(client)) { Timeout = Wait.Timeout };
        Assert.Equal("hello", await patient.GetStringAsync(new Uri("https://app.test/")));
        _output.WriteLine($"One request lost; answered after {Stopwatch.GetElapsedTime(begin).TotalSeconds:0.0} s.");
        Assert.Equal(2, client.GetStatistics().Handshakes);
    }
}
