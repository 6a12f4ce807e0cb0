using System.Diagnostics.Metrics;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using MtaTls.AspNetCore.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Routing;

/// <summary>Channel routes (MtaTls:Channels) on real sockets.</summary>
public class ChannelRouteTests
{
    [Fact]
    public async Task Without_routes_every_channel_goes_to_the_application()
    {
        await using TestApp gateway = await Gateway.StartAsync("{}");
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        Assert.Equal("app", await client.GetAsync());
    }

    [Fact]
    public async Task The_first_route_that_matches_decides_and_a_channel_without_a_match_goes_to_the_application()
    {
        await using var one = TcpServer.StartNamed("one");
        await using var two = TcpServer.StartNamed("two");
        await using TestApp gateway = await Gateway.StartAsync($$"""
            { "MtaTls": { "Channels": [
              { "Hosts": [ "closed.internal" ], "Action": "Reject" },
              { "Hosts": [ "one.internal" ], "Ports": [ "7000-7010", 7020 ], "Action": "Tcp", "Upstream": "127.0.0.1:{{one.Port}}", "AllowAnonymous": true },
              { "Hosts": [ "*.internal" ], "Action": "Tcp", "Upstream": "127.0.0.1:{{two.Port}}", "AllowAnonymous": true },
              { "Hosts": [ "203.0.113.0/24" ], "Action": "Reject" } ] } }
            """);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        Assert.Equal("one", await ReadAsync(client, "one.internal", 7000));
        Assert.Equal("one", await ReadAsync(client, "ONE.Internal.", 7020));
        Assert.Equal("two", await ReadAsync(client, "one.internal", 7011));
        Assert.Equal("two", await ReadAsync(client, "deep.below.internal", 1));
        await AssertRefusedAsync(client, "closed.internal", 80);
        await AssertRefusedAsync(client, "203.0.113.99", 80);
        await AssertRefusedAsync(client, "::ffff:203.0.113.99", 80);
        Assert.Equal("app", await client.GetAsync());
    }

    [Fact]
    public async Task A_route_of_one_endpoint_is_not_for_another()
    {
        await using var server = TcpServer.StartNamed("inside");
        await using TestApp gateway = await TestApp.StartBareAsync(
            builder => builder.WebHost.UseMtaTls(),
            files: directory =>
            {
                PemFiles.Write(directory, "server", TestCertificates.Server);
                Gateway.Write(directory, $$"""
                    { "MtaTls": {
                      "Endpoints": {
                        "Private": { "Url": "https://127.0.0.1:0", "Certificate": { "Path": "server.pem", "KeyPath": "server.key" } },
                        "Public": { "Url": "https://127.0.0.1:0", "Certificate": { "Path": "server.pem", "KeyPath": "server.key" } } },
                      "Channels": [
                        { "Endpoints": [ "private" ], "Hosts": [ "db.internal" ], "Action": "Tcp", "Upstream": "127.0.0.1:{{server.Port}}", "AllowAnonymous": true },
                        { "Hosts": [ "db.internal" ], "Action": "Reject" } ] } }
                    """);
            });
        var answers = new List<string>();
        foreach (int port in gateway.Ports)
        {
            await using RawClient client = await RawClient.ConnectAsync(port);
            try
            {
                answers.Add(await ReadAsync(client, "db.internal", 5432));
            }
            catch (MtaTlsChannelRefusedException)
            {
                answers.Add("refused");
            }
        }

        Assert.Equal(["inside", "refused"], answers.Order());
    }

    [Theory]
    [InlineData("thumbprint")]
    [InlineData("san")]
    [InlineData("subject")]
    public async Task A_route_with_a_certificate_condition_is_for_that_client_alone(string kind)
    {
        string condition = kind switch
        {
            "thumbprint" => $$"""{ "Thumbprints": [ "{{TestCertificates.Client.GetCertHashString(HashAlgorithmName.SHA256)}}" ] }""",
            "san" => """{ "SubjectAlternativeNames": [ "client.test" ] }""",
            _ => """{ "Subject": "CN=client", "Issuer": "CN=Test Root" }""",
        };
        await using var server = TcpServer.StartNamed("inside");
        await using TestApp gateway = await Gateway.StartAsync($$"""
            { "MtaTls": { "Channels": [
              { "Hosts": [ "db.internal" ], "ClientCertificate": {{condition}}, "Action": "Tcp", "Upstream": "127.0.0.1:{{server.Port}}" },
              { "Hosts": [ "db.internal" ], "Action": "Reject" } ] } }
            """, https: Gateway.WithClientCertificates);
        await using RawClient known = await ConnectAsync(gateway, TestCertificates.Client);
        await using RawClient other = await ConnectAsync(gateway, TestCertificates.OtherClient);
        await using RawClient anonymous = await ConnectAsync(gateway, null);
        Assert.Equal("inside", await ReadAsync(known, "db.internal", 5432));
        await AssertRefusedAsync(other, "db.internal", 5432);
        await AssertRefusedAsync(anonymous, "db.internal", 5432);
    }

    [Fact]
    public async Task A_clients_certificate_is_never_seen_by_anothers_channel()
    {
        await using var server = TcpServer.StartNamed("inside");
        await using TestApp gateway = await Gateway.StartAsync(
            $$"""
            { "MtaTls": { "Channels": [
              { "Hosts": [ "db.internal" ], "ClientCertificate": { "SubjectAlternativeNames": [ "client.test" ] }, "Action": "Tcp", "Upstream": "127.0.0.1:{{server.Port}}" },
              { "Hosts": [ "db.internal" ], "Action": "Reject" } ] } }
            """,
            map: app => app.MapGet("/", (HttpContext context) => context.Connection.ClientCertificate?.Subject ?? "nobody"),
            https: Gateway.WithClientCertificates);

        async Task AskAsync(X509Certificate2? certificate, string subject, bool isAllowed)
        {
            for (int session = 0; session < 5; session++)
            {
                await using RawClient client = await ConnectAsync(gateway, certificate);
                await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
                {
                    Assert.Equal(subject, await client.GetAsync());
                    if (isAllowed)
                    {
                        Assert.Equal("inside", await ReadAsync(client, "db.internal", 5432));
                    }
                    else
                    {
                        await AssertRefusedAsync(client, "db.internal", 5432);
                    }
                }));
            }
        }

        // Three clients at the same time, each with many sessions one after another.
        await Task.WhenAll(
            AskAsync(TestCertificates.Client, "CN=client", true),
            AskAsync(TestCertificates.OtherClient, "CN=other client", false),
            AskAsync(null, "nobody", false));
    }

    [Fact]
    public async Task A_channel_is_connected_to_the_destination_that_it_names()
    {
        await using var server = TcpServer.StartEcho();
        await using TestApp gateway = await Gateway.StartAsync("""
            { "MtaTls": { "Channels": [ { "Action": "Tcp", "Hosts": [ "localhost", "127.0.0.1" ], "AllowedNetworks": [ "127.0.0.0/8", "::1" ], "AllowAnonymous": true } ] } }
            """);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        // "localhost" may also resolve to ::1, where nothing listens. Then the next address is tried.
        foreach (string host in (string[])["127.0.0.1", "localhost"])
        {
            await using HttpChannel channel = await client.OpenAsync(host, server.Port);
            await channel.SendAsync("hello");
            Assert.Equal("hello", Encoding.ASCII.GetString(await channel.ReadAsync(5)));
        }
    }

    [Fact]
    public async Task Data_of_a_server_that_speaks_first_arrives()
    {
        await using var server = TcpServer.StartNamed("220 ready");
        await using TestApp gateway = await StartTcpAsync(server.Port);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        Assert.Equal("220 ready", await ReadAsync(client, "any.internal", 25));
    }

    [Fact]
    public async Task Much_data_passes_both_ways_unchanged_on_many_channels_at_once()
    {
        await using var server = TcpServer.StartEcho();
        await using TestApp gateway = await StartTcpAsync(server.Port);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async n =>
        {
            await using HttpChannel channel = await client.OpenAsync("any.internal", 1000 + n);
            byte[] sent = Enumerable.Range(0, 1_000_000).Select(i => (byte)(i * 31 + n)).ToArray();
            Task send = channel.SendAsync(sent);
            // Reads piece by piece: an application that reads nothing before a megabyte has arrived would need a window of that size.
            var received = new MemoryStream();
            while (received.Length < sent.Length)
            {
                ReadResult result = await channel.Channel.Input.ReadAsync().Soon();
                foreach (ReadOnlyMemory<byte> segment in result.Buffer)
                {
                    received.Write(segment.Span);
                }

                channel.Channel.Input.AdvanceTo(result.Buffer.End);
            }

            await send;
            Assert.True(sent.AsSpan().SequenceEqual(received.ToArray()));
        }));
    }

    [Fact]
    public async Task TLS_passes_through_untouched()
    {
        await using var server = TcpServer.Start(async socket =>
        {
            await using var tls = new SslStream(new NetworkStream(socket));
            await tls.AuthenticateAsServerAsync(TestCertificates.OtherServer);
            await tls.WriteAsync("sealed"u8.ToArray());
            await tls.ShutdownAsync();
        });
        await using TestApp gateway = await StartTcpAsync(server.Port);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await using HttpChannel channel = await client.OpenAsync("other.test", 443);
        await using var inner = new SslStream(channel.Channel.AsStream());
        await inner.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "other.test", CertificateChainPolicy = TestCertificates.TrustRoot() }).Soon();
        using var reader = new StreamReader(inner);
        Assert.Equal("sealed", await reader.ReadToEndAsync().Soon());
    }

    [Fact]
    public async Task The_open_is_answered_after_the_connection_is_there()
    {
        await using TestApp gateway = await StartTcpAsync(FreePort.Find());
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await AssertRefusedAsync(client, "any.internal", 80);
        Assert.Contains("ConnectionRefused", Assert.Single(await gateway.LoggedAsync("ChannelNotConnected")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_destination_that_never_answers_is_refused_after_ConnectTimeout_and_delays_no_other_channel()
    {
        // A full backlog drops further connections.
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        silent.Listen(0);
        var fillers = Enumerable.Range(0, 8).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)).ToList();
        var filling = fillers.Select(f => f.ConnectAsync(silent.LocalEndPoint!)).ToList();
        await Wait.UntilAsync(() => filling.Any(f => f.IsCompleted));
        await using TestApp gateway = await Gateway.StartAsync($$"""
            { "MtaTls": { "Tcp": { "ConnectTimeout": "00:00:01" },
                          "Channels": [ { "Hosts": [ "*.internal" ], "Action": "Tcp", "Upstream": "{{silent.LocalEndPoint}}", "AllowAnonymous": true } ] } }
            """);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        Task refused = AssertRefusedAsync(client, "any.internal", 80);
        Assert.Equal("app", await client.GetAsync());
        await refused;
        Assert.Contains("no connection within", Assert.Single(await gateway.LoggedAsync("ChannelNotConnected")), StringComparison.Ordinal);
        fillers.ForEach(f => f.Dispose());
        await Task.WhenAll(filling.Select(f => f.ContinueWith(t => t.Exception, TaskScheduler.Default)));
    }

    [Fact]
    public async Task An_idle_connection_does_not_delay_the_servers_shutdown()
    {
        await using var server = TcpServer.StartEcho();
        await using TestApp gateway = await Gateway.StartAsync($$"""
            { "MtaTls": { "Tcp": { "ShutdownIdleTimeout": "00:00:00.1" }, "Channels": [ { "Action": "Tcp", "Upstream": "127.0.0.1:{{server.Port}}", "AllowAnonymous": true } ] } }
            """);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await using HttpChannel channel = await client.OpenAsync("db.internal", 5432);
        await channel.SendAsync("ping");
        Assert.Equal("ping", Encoding.ASCII.GetString(await channel.ReadAsync(4)));
        Task stopping = gateway.App.StopAsync();
        Assert.Equal("", await channel.ReadToEndAsync());
        // Does not throw, because nothing was aborted; that would happen only after ShutdownTimeout.
        await client.Session.Completion.Soon();
        await stopping.Soon();
        Assert.Contains("ServerStopped", Assert.Single(await gateway.LoggedAsync("TunnelEnded")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MaxConnections_holds_and_a_connection_that_ends_frees_its_place()
    {
        await using var server = TcpServer.StartEcho();
        await using TestApp gateway = await Gateway.StartAsync($$"""
            { "MtaTls": { "Tcp": { "MaxConnections": 2 }, "Channels": [ { "Action": "Tcp", "Upstream": "127.0.0.1:{{server.Port}}", "AllowAnonymous": true } ] } }
            """);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        HttpChannel first = await client.OpenAsync();
        await using HttpChannel second = await client.OpenAsync();
        await AssertRefusedAsync(client, "app.test", 80);
        Assert.Contains("MaxConnections (2)", Assert.Single(await gateway.LoggedAsync("ChannelNotConnected")), StringComparison.Ordinal);
        await first.DisposeAsync();
        TcpForwarder forwarder = gateway.Services.GetRequiredService<TcpForwarder>();
        await Wait.UntilAsync(() => forwarder.Connections == 1);
        await using HttpChannel third = await client.OpenAsync();
    }

    [Fact]
    public async Task The_destinations_FIN_closes_the_channel_after_its_last_bytes()
    {
        await using var server = TcpServer.StartNamed(new string('x', 300_000));
        await using TestApp gateway = await StartTcpAsync(server.Port);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        Assert.Equal(300_000, (await ReadAsync(client, "any.internal", 80)).Length);
    }

    [Fact]
    public async Task A_destination_that_half_closes_in_the_middle_of_an_upload_is_reset()
    {
        var ended = new TaskCompletionSource<SocketError>();
        TaskCompletionSource stuck = new(TaskCreationOptions.RunContinuationsAsynchronously), closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = TcpServer.Start(async socket =>
        {
            try
            {
                byte[] buffer = new byte[65_536];
                await stuck.Task;
                socket.Shutdown(SocketShutdown.Send);
                await closed.Task;
                while (await socket.ReceiveAsync(buffer) > 0)
                {
                }

                ended.TrySetResult(SocketError.Success);
            }
            catch (SocketException e)
            {
                ended.TrySetResult(e.SocketErrorCode);
            }
        });
        await using TestApp gateway = await StartTcpAsync(server.Port);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await using HttpChannel channel = await client.OpenAsync();
        Task<FlushResult> write;
        do
        {
            // Until the destination's socket and the channel's window are full.
            write = channel.Channel.Output.WriteAsync(new byte[1_000_000]).AsTask();
        }
        while (await IsWrittenAsync(write));
        stuck.SetResult();
        Assert.True((await write.Soon()).IsCompleted);
        closed.SetResult();

        Assert.Equal(SocketError.ConnectionReset, await ended.Task.Soon());

        // False: the window is used up, and nothing has been sent for a second.
        async Task<bool> IsWrittenAsync(Task write)
        {
            long sent = -1;
            for (int still = 0; still < 50 && !write.IsCompleted; await Task.Delay(20))
            {
                MtaTlsSessionStatistics now = client.Session.GetStatistics();
                still = now.WindowStalls > 0 && now.BytesSent == sent ? still + 1 : 0;
                sent = now.BytesSent;
            }

            return write.IsCompleted;
        }
    }

    [Fact]
    public async Task A_closed_channel_becomes_a_FIN_after_its_last_bytes()
    {
        var heard = new TaskCompletionSource<string>();
        await using var server = TcpServer.Start(async socket =>
        {
            await using var stream = new NetworkStream(socket);
            using var reader = new StreamReader(stream, Encoding.ASCII);
            heard.TrySetResult(await reader.ReadToEndAsync());
        });
        await using TestApp gateway = await StartTcpAsync(server.Port);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await using (HttpChannel channel = await client.OpenAsync())
        {
            await channel.SendAsync(new string('y', 300_000));
        }

        Assert.Equal(300_000, (await heard.Task.Soon()).Length);
    }

    [Fact]
    public async Task A_lost_session_resets_the_destination()
    {
        var ended = new TaskCompletionSource<SocketError>();
        await using var server = TcpServer.Start(async socket =>
        {
            try
            {
                while (await socket.ReceiveAsync(new byte[100]) > 0)
                {
                }

                ended.TrySetResult(SocketError.Success);
            }
            catch (SocketException e)
            {
                ended.TrySetResult(e.SocketErrorCode);
            }
        });
        await using TestApp gateway = await StartTcpAsync(server.Port);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        HttpChannel channel = await client.OpenAsync();
        await channel.SendAsync("half a sent");
        client.Reset();
        Assert.Equal(SocketError.ConnectionReset, await ended.Task.Soon());
    }

    [Fact]
    public async Task A_destination_that_resets_closes_its_channel_and_no_other()
    {
        await using var server = TcpServer.Start(async socket =>
        {
            await socket.ReceiveAsync(new byte[1]);
            socket.LingerState = new LingerOption(true, 0);
        });
        await using TestApp gateway = await Gateway.StartAsync($$"""
            { "MtaTls": { "Channels": [ { "Hosts": [ "*.internal" ], "Action": "Tcp", "Upstream": "127.0.0.1:{{server.Port}}", "AllowAnonymous": true } ] } }
            """);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await using HttpChannel channel = await client.OpenAsync("any.internal");
        await channel.SendAsync("!");
        Assert.Equal("", await channel.ReadToEndAsync());
        Assert.Equal("app", await client.GetAsync());
    }

    [Fact]
    public async Task Every_decision_is_logged_and_counted()
    {
        await using var server = TcpServer.StartNamed("inside");
        await using TestApp gateway = await Gateway.StartAsync($$"""
            { "MtaTls": { "Channels": [
              { "Name": "db", "Hosts": [ "db.internal" ], "Action": "Tcp", "Upstream": "127.0.0.1:{{server.Port}}", "AllowAnonymous": true },
              { "Name": "not you", "Hosts": [ "closed.internal" ], "Action": "Reject" },
              { "Name": "plant", "Hosts": [ "plant7.internal" ], "Action": "Agent", "AllowAnonymous": true },
              { "Name": "web", "Hosts": [ "app.test" ] } ] } }
            """);
        using var routed = new MetricCollector<long>(gateway.Services.GetRequiredService<IMeterFactory>(), "MtaTls.AspNetCore", "mtatls.server.channels.routed");
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await ReadAsync(client, "db.internal", 5432);
        await AssertRefusedAsync(client, "closed.internal", 22);
        await AssertRefusedAsync(client, "plant7.internal", 80);
        await client.GetAsync();

        string connected = Assert.Single(await gateway.LoggedAsync("ChannelConnected"));
        foreach (string part in (string[])["192.0.2.7:4711", "db.internal:5432", $"127.0.0.1:{server.Port}", "'db'"])
        {
            Assert.Contains(part, connected, StringComparison.Ordinal);
        }

        Assert.Contains("closed.internal:22", Assert.Single(await gateway.LoggedAsync("ChannelRejected")), StringComparison.Ordinal);
        Assert.Contains("app.test:80", Assert.Single(await gateway.LoggedAsync("ChannelToApplication")), StringComparison.Ordinal);
        Assert.Contains("plant7.internal:80", Assert.Single(await gateway.LoggedAsync("ChannelNotConnected")), StringComparison.Ordinal);
        await Wait.UntilAsync(() => routed.GetMeasurementSnapshot().Count >= 4);
        Assert.Equal(
            [("db", "tcp", 1L), ("not you", "reject", 1L), ("plant", "agent", 1L), ("web", "http", 1L)],
            routed.GetMeasurementSnapshot().Select(m => ((string)m.Tags["mtatls.route"]!, (string)m.Tags["mtatls.action"]!, m.Value)));
    }

    private static Task<TestApp> StartTcpAsync(int upstream) => Gateway.StartAsync($$"""
        { "MtaTls": { "Channels": [ { "Action": "Tcp", "Upstream": "127.0.0.1:{{upstream}}", "AllowAnonymous": true } ] } }
        """);

    private static Task<RawClient> ConnectAsync(TestApp gateway, X509Certificate2? certificate) => RawClient.ConnectAsync(gateway.Port, tls => tls.ClientCertificate = certificate);

    private static async Task<string> ReadAsync(RawClient client, string host, int port)
    {
        await using HttpChannel channel = await client.OpenAsync(host, port);
        return await channel.ReadToEndAsync();
    }

    private static async Task AssertRefusedAsync(RawClient client, string host, int port)
    {
        MtaTlsChannelRefusedException refusal = await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenAsync(host, port));
        Assert.Equal("Not available.", refusal.Reason);
        Assert.False(refusal.IsLocal);
    }
}
