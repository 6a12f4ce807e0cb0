using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore;
using MtaTls.Client;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Client;

/// <summary>A web app on real Kestrel with UseMtaTls(), which counts its TCP connections.</summary>
internal sealed class GatewayApp : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lock _gate = new();
    private readonly List<ConnectionContext> _physical = [];
    private int _connections;

    private GatewayApp(WebApplication app) => _app = app;

    public int Port { get; private set; }

    /// <summary>The TCP connections accepted so far.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public Uri Uri(string path = "/") => new($"https://localhost:{Port}{path}");

    public static async Task<GatewayApp> StartAsync(
        Action<MtaTlsOptions>? configure = null, Action<WebApplication>? map = null, X509Certificate2? certificate = null,
        HttpProtocols protocols = HttpProtocols.Http1AndHttp2, Action<HttpsConnectionAdapterOptions>? https = null, int port = 0, bool mtaTls = true)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSignalR();
        GatewayApp? gateway = null;
        builder.WebHost.UseSetting(WebHostDefaults.ServerUrlsKey, "");
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen =>
        {
            listen.Protocols = protocols;
            listen.Use(next => connection => gateway!.CountAsync(next, connection));
            if (mtaTls)
            {
                listen.UseMtaTls();
            }

            listen.UseHttps(o =>
            {
                o.ServerCertificate = certificate ?? GatewayCertificates.Server;
                https?.Invoke(o);
            });
        }));
        if (mtaTls)
        {
            builder.WebHost.UseMtaTls(options =>
            {
                // Tests open channels to other names than that of the endpoint.
                configure?.Invoke(options);
            });
        }
        WebApplication app = builder.Build();
        gateway = new GatewayApp(app);
        app.UseWebSockets();
        app.MapGet("/", (HttpContext context) => $"{context.Request.Protocol} {context.Request.Scheme} {context.Request.Host.Host}");
        app.MapGet("/channel", (HttpContext context) => context.Features.Get<IMtaTlsChannelFeature>() is { } channel
            ? $"{channel.ClaimedSource} {channel.Destination} {context.Features.Get<IMtaTlsSessionFeature>()!.SessionId}" : "none");
        app.MapGet("/certificate", (HttpContext context) => context.Connection.ClientCertificate?.Subject ?? "none");
        app.MapGet("/bytes/{count:int}", async (int count, HttpContext context) =>
        {
            byte[] block = new byte[16384];
            Array.Fill(block, (byte)'x');
            for (int left = count; left > 0; left -= block.Length)
            {
                await context.Response.Body.WriteAsync(block.AsMemory(0, Math.Min(left, block.Length)));
            }
        });
        app.MapPost("/echo", async (HttpContext context) => await context.Request.Body.CopyToAsync(context.Response.Body));
        app.MapPost("/length", async (HttpContext context) =>
        {
            long length = 0;
            byte[] buffer = new byte[16384];
            for (int n; (n = await context.Request.Body.ReadAsync(buffer)) > 0;)
            {
                length += n;
            }

            return length.ToString(System.Globalization.CultureInfo.InvariantCulture);
        });
        app.Map("/ws", async (HttpContext context) =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            byte[] buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer, context.RequestAborted) is { MessageType: not WebSocketMessageType.Close } received)
            {
                await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
            }

            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
        });
        app.MapHub<EchoHub>("/hub");
        map?.Invoke(app);
        await app.StartAsync();
        gateway.Port = new Uri(app.Urls.First()).Port;
        return gateway;
    }

    /// <summary>Creates options that connect to the app and trust its certificate.</summary>
    public MtaTlsClientOptions Options(Action<MtaTlsClientOptions>? configure = null) => Options(Port, configure);

    /// <summary>Creates options that connect to a port and trust the tests' certificate.</summary>
    public static MtaTlsClientOptions Options(int port, Action<MtaTlsClientOptions>? configure)
    {
        var options = new MtaTlsClientOptions
        {
            Host = "localhost",
            Port = port,
            CertificateChainPolicy = GatewayCertificates.Trust(),
            // A busy machine may be silent for seconds. A client with pings then opens another session, which tests would count.
            KeepAlive = { Ping = false },
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            OpenTimeout = Timeout.InfiniteTimeSpan,
        };
        configure?.Invoke(options);
        return options;
    }

    /// <summary>Aborts every TCP connection, as a broken network does.</summary>
    public void DropConnections()
    {
        lock (_gate)
        {
            foreach (ConnectionContext connection in _physical)
            {
                connection.Abort(new ConnectionAbortedException("dropped by the test"));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _app.StopAsync(limit.Token);
        await _app.DisposeAsync();
    }

    private async Task CountAsync(ConnectionDelegate next, ConnectionContext connection)
    {
        lock (_gate)
        {
            _connections++;
            _physical.Add(connection);
        }
        try
        {
            await next(connection);
        }
        finally
        {
            lock (_gate)
            {
                _physical.Remove(connection);
            }
        }
    }

    internal sealed class EchoHub : Hub
    {
        public string Echo(string text) => text + " " + Context.GetHttpContext()!.Request.Protocol;

        public async IAsyncEnumerable<int> Count(int to)
        {
            for (int i = 0; i < to; i++)
            {
                await Task.Yield();
                yield return i;
            }
        }
    }
}
