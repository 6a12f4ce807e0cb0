using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using MtaTls.AspNetCore;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Server;

/// <summary>A channel has the features that Kestrel and applications read from a connection.</summary>
public sealed class ChannelFeatureTests
{
    [Fact]
    public async Task Requests_are_HTTPS_and_come_from_the_real_peer()
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", (HttpContext c) =>
            $"{c.Request.IsHttps} {c.Request.Scheme} {c.Request.Protocol} {c.Connection.RemoteIpAddress} {c.Connection.RemotePort} {c.Connection.LocalPort}"));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        Assert.Equal($"True https HTTP/1.1 127.0.0.1 {((IPEndPoint)client.Socket.LocalEndPoint!).Port} {app.Port}", await client.GetAsync());
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task The_TLS_handshake_is_visible(SslProtocols version)
    {
        await using TestApp app = await TestApp.StartAsync(
            a => a.MapGet("/", (HttpContext c) =>
            {
                ITlsHandshakeFeature tls = c.Features.Get<ITlsHandshakeFeature>()!;
                return $"{tls.Protocol} {tls.NegotiatedCipherSuite is not null} {tls.HostName}";
            }),
            https: o => o.SslProtocols = version);
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        Assert.Equal($"{version} True localhost", await client.GetAsync());
    }

    [Fact]
    public async Task A_client_certificate_is_seen_in_every_channel_of_its_session_and_no_other()
    {
        await using TestApp app = await TestApp.StartAsync(
            a => a.MapGet("/", async (HttpContext c) => $"{c.Connection.ClientCertificate?.Subject} {(await c.Connection.GetClientCertificateAsync())?.Subject}"),
            https: o =>
            {
                o.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                o.AllowAnyClientCertificate();
            });
        await using RawClient one = await RawClient.ConnectAsync(app.Port, o => o.ClientCertificate = TestCertificates.Client);
        await using RawClient two = await RawClient.ConnectAsync(app.Port, o => o.ClientCertificate = TestCertificates.OtherClient);
        await using RawClient none = await RawClient.ConnectAsync(app.Port);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("CN=client CN=client", await one.GetAsync());
            Assert.Equal("CN=other client CN=other client", await two.GetAsync());
            Assert.Equal(" ", await none.GetAsync());
        }
    }

    [Fact]
    public async Task The_two_features_describe_session_and_channel()
    {
        await using TestApp app = await TestApp.StartAsync(
            a => a.MapGet("/", (HttpContext c) =>
            {
                IMtaTlsSessionFeature session = c.Features.Get<IMtaTlsSessionFeature>()!;
                IMtaTlsChannelFeature channel = c.Features.Get<IMtaTlsChannelFeature>()!;
                return string.Join('|', c.Connection.Id, session.SessionId, session.EndpointName, session.ServerName, session.IsResumed, session.ActiveChannels, session.TotalChannelsOpened,
                    channel.ChannelId, channel.ClaimedSource, channel.Destination, channel.BytesReceived, channel.BytesSent, session.BytesReceived, session.BytesSent);
            }),
            listen: e => e.UseMtaTls(o => o.Name = "Mine"));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await client.GetAsync("/none");
        await using HttpChannel channel = await client.OpenAsync("app1.internal", 8080);
        string[] told = (await channel.GetAsync("/")).Body.Split('|');
        string session = told[1];
        string request = "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n";
        Assert.Equal(
            [$"{session}-2", session, "Mine", "localhost", "False", told[5], "2", channel.Channel.Id.ToString(), "192.0.2.7:4711", "app1.internal:8080", $"{request.Length}", "0"],
            told[..12]);
        Assert.InRange(int.Parse(told[5], null), 1, 2);
        Assert.Equal(channel.Channel.BytesSent + "GET /none HTTP/1.1\r\nHost: app.test\r\n\r\n".Length, long.Parse(told[12], null));
        Assert.True(long.Parse(told[13], null) > 0);

        // An ordinary connection has neither.
        string plain = await OrdinaryClient.GetAsync(app.Port, "/none").ContinueWith(t => t.IsFaulted ? "404" : t.Result, TaskScheduler.Default);
        Assert.Equal("404", plain);
    }

    [Fact]
    public async Task Features_are_replaced_inherited_and_hidden_as_they_must_be()
    {
        List<ConnectionContext> physical = [], channels = [];
        await using TestApp app = await TestApp.StartBareAsync(builder =>
        {
            builder.WebHost.UseMtaTls();
            builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, e =>
            {
                e.Use(next => connection =>
                {
                    physical.Add(connection);
                    return next(connection);
                });
                e.UseHttps(TestCertificates.Server);
                e.Use(next => async connection =>
                {
                    lock (channels)
                    {
                        channels.Add(connection);
                    }

                    await next(connection);
                });
            }));
        });
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel first = await client.OpenAsync(), second = await client.OpenAsync();
        await first.GetAsync("/");
        await second.GetAsync("/");
        ConnectionContext parent = Assert.Single(physical);
        Assert.Equal(2, channels.Count);
        IFeatureCollection one = channels[0].Features, two = channels[1].Features;

        Assert.NotNull(parent.Features.Get<IConnectionSocketFeature>());
        Assert.Null(one.Get<IConnectionSocketFeature>());
        Assert.Null(one[typeof(IConnectionSocketFeature)]);
        Assert.Null(one.Get<IDecrementConcurrentConnectionCountFeature>());
        Assert.Null(one.Get<ISslStreamFeature>());

        foreach (Type replaced in (Type[])[typeof(IConnectionIdFeature), typeof(IConnectionItemsFeature), typeof(IConnectionTransportFeature), typeof(IConnectionLifetimeFeature),
            typeof(IConnectionLifetimeNotificationFeature), typeof(IConnectionHeartbeatFeature), typeof(IConnectionCompleteFeature)])
        {
            Assert.NotNull(one[replaced]);
            Assert.NotSame(one[replaced], two[replaced]);
            Assert.NotSame(parent.Features[replaced], one[replaced]);
        }

        foreach (Type inherited in (Type[])[typeof(ITlsConnectionFeature), typeof(ITlsHandshakeFeature), typeof(IMemoryPoolFeature), typeof(IMtaTlsSessionFeature)])
        {
            Assert.NotNull(one[inherited]);
            Assert.Same(one[inherited], two[inherited]);
        }

        // Inherited features, also Kestrel's internal ones, are listed once, and hidden ones are not listed.
        Type[] listed = [.. one.Select(f => f.Key)];
        Assert.Equal(listed.Distinct(), listed);
        Assert.Contains(listed, t => t.Name == "IConnectionMetricsContextFeature");
        Assert.DoesNotContain(typeof(IConnectionSocketFeature), listed);
        Assert.All(one, f => Assert.Same(one[f.Key], f.Value));

        int revision = one.Revision;
        one.Set("mine");
        Assert.NotEqual(revision, one.Revision);
        Assert.Equal("mine", one.Get<string>());
        Assert.Null(two.Get<string>());
        Assert.Null(parent.Features.Get<string>());
        one.Set<ITlsHandshakeFeature>(null);
        Assert.Null(one.Get<ITlsHandshakeFeature>());
        Assert.NotNull(two.Get<ITlsHandshakeFeature>());
        Assert.NotEqual(channels[0].ConnectionId, channels[1].ConnectionId);
        Assert.NotSame(channels[0].Items, channels[1].Items);
    }

    [Fact]
    public async Task Completion_callbacks_run_when_the_channel_ends_the_last_one_first()
    {
        List<string> order = [];
        TaskCompletionSource done = new();
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", (HttpContext c) =>
        {
            IConnectionCompleteFeature complete = c.Features.Get<IConnectionCompleteFeature>()!;
            complete.OnCompleted(_ =>
            {
                order.Add("first");
                done.SetResult();
                return Task.CompletedTask;
            }, order);
            complete.OnCompleted(_ => throw new InvalidOperationException("one that fails"), order);
            complete.OnCompleted(_ =>
            {
                order.Add("last");
                return Task.CompletedTask;
            }, order);
            return "";
        }));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await client.GetAsync();
        await done.Task.Soon();
        Assert.Equal(["last", "first"], order);
        Assert.Equal("", await client.GetAsync("/"));
    }
}
