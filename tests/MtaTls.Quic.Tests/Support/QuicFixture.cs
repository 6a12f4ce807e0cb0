using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MtaTls.Quic;

namespace MtaTls.Quic.Tests.Support;

/// <summary>A listener on loopback and clients of one engine.</summary>
internal sealed class QuicFixture : IAsyncDisposable
{
    private readonly ConcurrentQueue<RecordingHandler> _accepted = new();
    private readonly SemaphoreSlim _acceptedSignal = new(0);

    public QuicFixture(bool v6 = false, Action<QuicListenerOptions>? server = null, ILoggerFactory? logs = null)
    {
        Assert.SkipUnless(QuicEngine.IsSupported, QuicEngine.UnsupportedReason ?? "");
        Engine = QuicEngine.Create(logs ?? NullLoggerFactory.Instance);
        QuicListenerOptions options = ServerOptions(v6);
        server?.Invoke(options);
        Listener = Engine.Listen(options, connection =>
        {
            RecordingHandler handler = NextHandler?.Invoke(connection) ?? new RecordingHandler();
            handler.ConnectedAction ??= _ =>
            {
                _accepted.Enqueue(handler);
                _acceptedSignal.Release();
            };
            return handler;
        });
    }

    public IQuicEngine Engine { get; }

    public IQuicListener Listener { get; }

    public IPEndPoint EndPoint => Listener.LocalEndPoints[0];

    public Func<IQuicConnection, RecordingHandler>? NextHandler { get; set; }

    public static QuicListenerOptions ServerOptions(bool v6 = false) => new()
    {
        EndPoints = { new IPEndPoint(v6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, 0) },
        Certificate = TestCertificates.Instance.Server,
        ApplicationProtocols = ["test", "test-0"],
        // Tests open many connections at once, and send many first packets from one port.
        RetryRate = 1_000_000,
        MaxInitialsPerPort = 1_000_000,
        MaxInitialsPerAddress = 1_000_000,
        // On a busy machine the handshakes of many connections take longer than the default of ten seconds.
        HandshakeTimeout = RecordingHandler.Timeout,
    };

    public static QuicClientOptions ClientOptions(IPEndPoint server) => new(server, "localhost")
    {
        TrustedAuthorities = TestCertificates.Instance.Authorities,
        ApplicationProtocols = ["test", "test-0"],
        HandshakeTimeout = RecordingHandler.Timeout,
    };

    public (IQuicConnection Connection, RecordingHandler Handler) Connect(Action<QuicClientOptions>? client = null, IPEndPoint? to = null)
    {
        QuicClientOptions options = ClientOptions(to ?? EndPoint);
        client?.Invoke(options);
        var handler = new RecordingHandler();
        return (Engine.Connect(options, handler), handler);
    }

    /// <summary>Opens a connection and returns both ends.</summary>
    public async Task<Pair> ConnectPairAsync(Action<QuicClientOptions>? client = null, IPEndPoint? to = null)
    {
        (IQuicConnection? connection, RecordingHandler? handler) = Connect(client, to);
        await handler.Connected;
        RecordingHandler server = await AcceptedAsync();
        return new Pair(connection, handler, await server.Connected, server);
    }

    public async Task<RecordingHandler> AcceptedAsync()
    {
        Assert.True(await _acceptedSignal.WaitAsync(RecordingHandler.Timeout), "No client connected.");
        Assert.True(_accepted.TryDequeue(out RecordingHandler? handler));
        return handler;
    }

    public async ValueTask DisposeAsync()
    {
        await Listener.DisposeAsync();
        await Engine.DisposeAsync();
    }
}

internal sealed record Pair(IQuicConnection Client, RecordingHandler ClientHandler, IQuicConnection Server, RecordingHandler ServerHandler);
