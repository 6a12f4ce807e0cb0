using System.Security.Authentication;
using MtaTls.Client;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using TestApp = MtaTls.FunctionalTests.Support.TestApp;

namespace MtaTls.FunctionalTests.Security;

/// <summary>
/// A man in the middle removes data_multiplexing from a ClientHello, or inserts it, so that requests are not multiplexed, or are read as packets. The Finished messages
/// cover the ClientHello (RFC 8446, section 4.4.4; RFC 5246, section 7.4.9), so the handshake fails, and no client concludes that the server does not speak MTA-TLS.
/// </summary>
public sealed class TamperingRelayTests
{
    [Theory]
    [InlineData(SslProtocols.Tls12, MtaTlsClientMode.Preferred)]
    [InlineData(SslProtocols.Tls13, MtaTlsClientMode.Preferred)]
    [InlineData(SslProtocols.Tls12, MtaTlsClientMode.Required)]
    [InlineData(SslProtocols.Tls13, MtaTlsClientMode.Required)]
    public async Task An_offer_that_a_relay_removes_fails_the_handshake_without_a_fallback(SslProtocols version, MtaTlsClientMode mode)
    {
        int requests = 0;
        await using TestApp app = await StartAsync(() => Interlocked.Increment(ref requests));
        await using TamperingRelay relay = new(app.Port, offer: false);
        MtaTlsClientOptions options = GatewayClient.Options(relay.Port);
        (options.Mode, options.EnabledSslProtocols) = (mode, version);
        await using (MtaTlsClient client = new(ClientSettings.From(options)))
        {
            await Assert.ThrowsAnyAsync<Exception>(() => client.OpenChannelAsync("127.0.0.1", relay.Port).AsTask().Soon());
            MtaTlsClientStatistics statistics = client.GetStatistics();
            Assert.Equal((0, 0, 0), (statistics.Handshakes, statistics.Fallbacks, statistics.ChannelsOpened));
        }

        Assert.True(relay.Changed > 0);
        Assert.Equal(0, requests);
        await AssertServesOthersAsync(app);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task An_offer_that_a_relay_inserts_fails_the_handshake_of_a_client_without_one(SslProtocols version)
    {
        int requests = 0;
        await using TestApp app = await StartAsync(() => Interlocked.Increment(ref requests));
        await using TamperingRelay relay = new(app.Port, offer: true);
        HttpRequestException failure = await Assert.ThrowsAsync<HttpRequestException>(() => OrdinaryClient.GetAsync(relay.Port, configure: handler => handler.SslOptions.EnabledSslProtocols = version).Soon());
        Assert.Equal(HttpRequestError.SecureConnectionError, failure.HttpRequestError);
        Assert.Equal(1, relay.Changed);
        Assert.Equal(0, requests);
        await Wait.UntilAsync(() => app.Messages("HandshakeFailed").Length == 1);
        Assert.Empty(app.Messages("SessionStarted"));
        await AssertServesOthersAsync(app);
    }

    [Fact]
    public async Task A_relay_that_changes_nothing_has_no_effect()
    {
        await using TestApp app = await StartAsync(static () => { });
        await using TamperingRelay faithful = new(app.Port, offer: false);
        Assert.Equal("hello", await OrdinaryClient.GetAsync(faithful.Port));
        Assert.Equal(0, faithful.Changed);
    }

    private static Task<TestApp> StartAsync(Action requested) => TestApp.StartAsync(app => app.MapGet("/", () =>
    {
        requested();
        return "hello";
    }));

    private static async Task AssertServesOthersAsync(TestApp app)
    {
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        Assert.Equal("hello", await client.GetAsync());
        Assert.Equal("hello", await OrdinaryClient.GetAsync(app.Port));
    }
}
