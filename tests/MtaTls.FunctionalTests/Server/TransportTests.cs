using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Server;

/// <summary>A session reads and writes its socket itself; other code that uses the connection gets Kestrel's transport.</summary>
public sealed class TransportTests
{
    [Fact]
    public async Task A_session_has_its_socket_to_itself_and_an_ordinary_connection_does_not()
    {
        List<bool> direct = [];
        await using TestApp app = await StartAsync(async (next, connection) =>
        {
            await next(connection);
            lock (direct)
            {
                direct.Add(connection.Transport.Output.GetType() == PipeWriter.Create(Stream.Null).GetType());
            }
        });
        await using (RawClient client = await RawClient.ConnectAsync(app.Port))
        {
            Assert.Equal("hello", await client.GetAsync());
        }

        await CountAsync(1);
        Assert.Equal("hello", await OrdinaryClient.GetAsync(app.Port));
        await CountAsync(2);
        Assert.Equal([true, false], direct);

        Task CountAsync(int count) => Wait.UntilAsync(() =>
        {
            lock (direct)
            {
                return direct.Count == count;
            }
        });
    }

    // Middleware before MTA-TLS (logging, counting) sees every byte, of sessions too.
    [Fact]
    public async Task Middleware_that_wraps_the_transport_sees_all_bytes()
    {
        long seen = 0;
        await using TestApp app = await StartAsync(async (next, connection) =>
        {
            IDuplexPipe inner = connection.Transport;
            connection.Transport = new Counted(new CountingReader(inner.Input, n => Interlocked.Add(ref seen, n)), inner.Output);
            await next(connection);
        });
        await using (RawClient client = await RawClient.ConnectAsync(app.Port))
        {
            Assert.Equal("hello", await client.GetAsync());
        }

        long ofSession = Interlocked.Exchange(ref seen, 0);
        Assert.True(ofSession > 200, $"{ofSession} bytes of the session were seen.");
        Assert.Equal("hello", await OrdinaryClient.GetAsync(app.Port));
        Assert.True(seen > 200, $"{seen} bytes of the ordinary connection were seen.");
    }

    // Kestrel's loop reads ahead while the application works.
    [Fact]
    public async Task An_ordinary_client_that_disconnects_aborts_its_request()
    {
        TaskCompletionSource started = new(), aborted = new();
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", async (HttpContext c) =>
        {
            using CancellationTokenRegistration registration = c.RequestAborted.Register(aborted.SetResult);
            started.SetResult();
            await Task.Delay(Timeout.Infinite, c.RequestAborted);
        }));
        using TcpClient tcp = new();
        await tcp.ConnectAsync(IPAddress.Loopback, app.Port);
        await using (SslStream tls = new(tcp.GetStream()))
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = TestCertificates.TrustRoot() });
            await tls.WriteAsync("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());
            await started.Task.Soon();
            tcp.Client.LingerState = new LingerOption(true, 0);
            tcp.Close();
        }

        await aborted.Task.Soon();
    }

    [Fact]
    public async Task A_port_that_is_in_use_is_reported_as_by_Kestrel()
    {
        using TcpListener taken = new(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        IOException e = await Assert.ThrowsAsync<IOException>(() => TestApp.StartBareAsync(builder =>
        {
            builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, port, e => e.UseHttps(TestCertificates.Server)));
            builder.WebHost.UseMtaTls();
        }));
        Assert.IsType<AddressInUseException>(e.InnerException);
    }

    [Fact]
    public async Task The_options_of_Kestrels_sockets_are_applied()
    {
        int created = 0;
        await using TestApp app = await TestApp.StartAsync(
            static a => a.MapGet("/", () => "hello"),
            configure: builder => builder.WebHost.UseSockets(o => o.CreateBoundListenSocket = endPoint =>
            {
                created++;
                return Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets.SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);
            }));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        Assert.Equal("hello", await client.GetAsync());
        Assert.Equal(1, created);
    }

    private static Task<TestApp> StartAsync(Func<ConnectionDelegate, ConnectionContext, Task> middleware) => TestApp.StartAsync(
        static a => a.MapGet("/", () => "hello"), listen: endpoint => endpoint.Use(next => connection => middleware(next, connection)));

    private sealed class Counted(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }

    private sealed class CountingReader(PipeReader inner, Action<long> count) : PipeReader
    {
        private ReadResult _last;

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => _last = await inner.ReadAsync(cancellationToken);

        public override bool TryRead(out ReadResult result)
        {
            bool read = inner.TryRead(out result);
            _last = result;
            return read;
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            count(_last.Buffer.Slice(0, consumed).Length);
            inner.AdvanceTo(consumed, examined);
        }

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);
    }
}
