using System.Net.Security;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Client;

/// <summary>Objects that an application does not dispose end all the same, just as the finalizers of sockets close connections.</summary>
[Collection(SerialCollection.Name)]
public sealed class AbandonedTests
{
    private const int Responses = 300;

    [Fact]
    public async Task Responses_that_were_left_half_read_end_their_channels()
    {
        await using GatewayApp app = await GatewayApp.StartAsync();
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(app.Options(static o => o.ApplicationProtocols = [SslApplicationProtocol.Http11]));
        await LeaveAsync();
        Assert.Equal(Responses, client.GetStatistics().ChannelsOpened);
        await Wait.UntilAsync(() =>
        {
            GC.Collect();
            return client.GetStatistics().ActiveChannels == 0;
        });
        Assert.Equal(1, client.GetStatistics().ActiveSessions);

        async Task LeaveAsync()
        {
            // Each response is larger than any window, so its rest waits at the server.
            HttpClient http = new(new SocketsHttpHandler().UseMtaTls(client)) { Timeout = Wait.Timeout };
            await Task.WhenAll(Enumerable.Range(0, Responses).Select(async _ =>
            {
                HttpResponseMessage response = await http.GetAsync(app.Uri("/bytes/30000000"), HttpCompletionOption.ResponseHeadersRead);
                await (await response.Content.ReadAsStreamAsync()).ReadExactlyAsync(new byte[1000]);
            }));
        }
    }

    /// <summary>
    /// Each client has an idle channel in its handler's pool. The session allows twenty, so the client asks for at least two collections. Between collections of the process are up to two minutes, also if other
    /// tests have asked for some.
    /// </summary>
    [Fact]
    public async Task A_new_HttpClient_for_each_request_that_is_never_disposed_never_runs_out_of_channels()
    {
        await using GatewayApp app = await GatewayApp.StartAsync(static o => o.Limits.SessionIdleTimeout = Timeout.InfiniteTimeSpan);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(app.Options(o =>
        {
            o.ApplicationProtocols = [SslApplicationProtocol.Http11];
            o.MaxSessions = 1;
            o.Limits.MaxChannelsPerSession = 20;
        }));
        for (int i = 0; i < 60; i++)
        {
            Assert.StartsWith("HTTP/1.1", await GetAsync(), StringComparison.Ordinal);
        }

        Assert.Equal(1, client.GetStatistics().Handshakes);

        Task<string> GetAsync() => new HttpClient(new SocketsHttpHandler().UseMtaTls(client)) { Timeout = Wait.LongTimeout }.GetStringAsync(app.Uri());
    }
}
