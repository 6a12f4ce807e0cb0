using MtaTls.AspNetCore;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Liveness;

/// <summary>A load balancer that closes connections without traffic.</summary>
public sealed class BalancerTests
{
    [Fact]
    public async Task An_idle_kept_session_survives_a_load_balancer_that_closes_idle_connections()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", static () => "hello"));
        await using HaProxy balancer = await HaProxy.StartAsync([app.Port], "    timeout tunnel 30s");
        IMtaTlsSessions sessions = app.Services.GetRequiredService<IMtaTlsSessions>();
        await using MtaTlsClient kept = await MtaTlsClient.ConnectAsync(Options(balancer, static o => o.KeepAlive.Interval = TimeSpan.FromSeconds(1)));
        await Wait.UntilAsync(() => sessions.List().Count == 1);
        IMtaTlsSessionFeature session = sessions.List()[0];
        await using MtaTlsClient silent = await MtaTlsClient.ConnectAsync(Options(balancer, static o => (o.KeepAlive.Ping, o.KeepConnected) = (false, false)));
        await Wait.UntilAsync(() => sessions.List().Count == 2);

        // The load balancer closes the session without pings; TCP keep-alive reaches only the load balancer.
        await Wait.UntilAsync(() => sessions.List().Count == 1);
        Assert.Equal(session.SessionId, sessions.List()[0].SessionId);
        await using MtaTlsChannel channel = await session.OpenChannelAsync(new ChannelAddress("server.test", 1), new ChannelAddress("client.test", 2)).Soon();
        Assert.Equal(1, kept.GetStatistics().Handshakes);
    }

    private static MtaTlsClientOptions Options(HaProxy balancer, Action<MtaTlsClientOptions> configure)
    {
        var options = new MtaTlsClientOptions
        {
            Host = "127.0.0.1",
            Port = balancer.Port,
            TargetHost = "localhost",
            CertificateChainPolicy = TestCertificates.TrustRoot(),
            KeepConnected = true,
            ChannelRequested = static async (request, _) =>
            {
                await using MtaTlsChannel channel = request.Accept();
            },
        };
        options.KeepAlive.Timeout = TimeSpan.FromMinutes(1);
        configure(options);
        return options;
    }
}
