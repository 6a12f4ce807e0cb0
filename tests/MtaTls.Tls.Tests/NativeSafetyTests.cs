using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using MtaTls.Tls.Certificates;
using MtaTls.Tls.Handshakes;
using MtaTls.Tls.OpenSsl;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

/// <summary>No exception crosses a native frame, and nothing native is used after it was freed or freed twice.</summary>
public class NativeSafetyTests
{
    public static TheoryData<SslProtocols, string> Callbacks()
    {
        var data = new TheoryData<SslProtocols, string>();
        foreach (SslProtocols version in (SslProtocols[])[SslProtocols.Tls12, SslProtocols.Tls13])
        {
            foreach (string name in (string[])
                [
                    nameof(SslRole.AddExtension), nameof(SslRole.ParseExtension), nameof(SslRole.InspectClientHello), nameof(SslRole.TrySelectProtocol),
                    nameof(SslRole.ProvideCertificate), nameof(SslRole.KeepSession), nameof(SslRole.FindSession), nameof(SslRole.DropSession),
                    nameof(SslRole.WriteKeyLog), "ValidatePeer",
                ])
            {
                data.Add(version, name);
            }
        }

        return data;
    }

    /// <summary>Each callback throws in turn, at both ends. The handshake fails with that exception, or succeeds when it does not depend on the callback.</summary>
    [Theory]
    [MemberData(nameof(Callbacks))]
    public async Task Callback_that_throws(SslProtocols version, string callback)
    {
        using SslContextHandle server = SslContexts.ForServer(TlsTest.ServerOptions(version, o =>
        {
            o.ClientCertificateMode = TlsClientCertificateMode.RequireCertificate;
            o.ApplicationProtocols = [SslApplicationProtocol.Http2];
        }), logKeys: true);
        using SslContextHandle client = SslContexts.ForClient(TlsTest.ClientOptions(version), logKeys: true);
        bool essential = callback is not (nameof(SslRole.KeepSession) or nameof(SslRole.FindSession) or nameof(SslRole.DropSession) or nameof(SslRole.WriteKeyLog));
        foreach ((string? atServer, string? atClient) in ((string?, string?)[])[(callback, null), (null, callback)])
        {
            (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
            using SslPump serverPump = MakePump(server, new ThrowingRole(atServer), serverPipe, isServer: true);
            using SslPump clientPump = MakePump(client, new ThrowingRole(atClient), clientPipe, isServer: false);
            Task serverTask = serverPump.HandshakeAsync(TlsTest.Timeout()).AsTask();
            Exception? failure = await Record.ExceptionAsync(() => clientPump.HandshakeAsync(TlsTest.Timeout()).AsTask());
            Exception? serverFailure = await Record.ExceptionAsync(() => serverTask);
            if (atServer is not null)
            {
                failure = serverFailure;
            }

            var role = (ThrowingRole)(atServer is null ? clientPump : serverPump).Role;
            serverPump.Dispose();
            clientPump.Dispose();
            Assert.Equal(IsAsked(callback, atServer is not null, version), role.Thrown is not null);
            if (essential && role.Thrown is not null)
            {
                Assert.IsType<AuthenticationException>(failure);
                Assert.Same(role.Thrown, failure.InnerException is TlsAlertException alert ? alert.InnerException : failure.InnerException);
            }
            else
            {
                Assert.Null(failure);
            }
        }
    }

    /// <summary>The client asks to resume a session id that no server created. When the search for it throws, the session counts as not found.</summary>
    [Fact]
    public async Task Search_for_a_session_that_throws()
    {
        using SslContextHandle server = SslContexts.ForServer(TlsTest.ServerOptions(SslProtocols.Tls12), logKeys: false);
        (DuplexPipe client, DuplexPipe pipe) = DuplexPipe.InMemory();
        await client.Output.WriteAsync(Hello.Records(Hello.Message([.. Hello.KeyExchange()[..2]])));
        var role = new ThrowingRole(nameof(SslRole.FindSession));
        using SslPump pump = MakePump(server, role, pipe, isServer: true);
        Task handshake = pump.HandshakeAsync(TlsTest.Timeout()).AsTask();
        ReadResult answer = await client.Input.ReadAtLeastAsync(100, TlsTest.Timeout());
        Assert.Equal(2, answer.Buffer.ToArray()[5]);
        Assert.NotNull(role.Thrown);
        await client.Output.CompleteAsync();
        await Assert.ThrowsAsync<IOException>(() => handshake);
    }

    /// <summary>Memory of the transport that throws when it is used, for reading and for writing.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Transport_that_throws_inside_the_bio(bool reading)
    {
        using TlsServerContext server = TlsTest.Server();
        using TlsClientContext client = TlsTest.Client();
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        var thrown = new InvalidTimeZoneException("transport");
        DuplexPipe pipe = reading ? new DuplexPipe(new BadReader(thrown), clientPipe.Output) : new DuplexPipe(clientPipe.Input, new BadWriter(thrown));
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(serverPipe, server, null, TlsTest.Timeout()).AsTask();
        Exception failure = await Assert.ThrowsAsync<AuthenticationException>(() => TlsConnection.ConnectAsync(pipe, client, TlsTest.Timeout()).AsTask());
        Assert.Same(thrown, failure.InnerException);
        await clientPipe.Output.CompleteAsync();
        await Assert.ThrowsAsync<IOException>(() => accept);
    }

    /// <summary>
    /// Handshakes that are canceled, aborted and disposed at any point, under load and garbage collection. A double free or a use after free ends
    /// the process, so the test needs no assertion for it.
    /// </summary>
    [Fact]
    public async Task Connections_that_end_at_any_point()
    {
        using TlsServerContext server = TlsTest.Server(configure: o => o.ClientCertificateMode = TlsClientCertificateMode.AllowCertificate);
        using TlsClientContext client = TlsTest.Client(configure: o => o.ClientCertificate = TestCertificates.Client);
        using var stop = new CancellationTokenSource();
        var collector = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        });
        int completed = 0;
        var watch = Stopwatch.StartNew();
        await Parallel.ForAsync(0, 4, async (worker, _) =>
        {
            var random = new Random(worker);
            // On a busy machine the first one completes later.
            while (watch.Elapsed < TimeSpan.FromSeconds(4) || Volatile.Read(ref completed) == 0)
            {
                (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
                using var cancellation = new CancellationTokenSource();
                Task<TlsConnection> accept = TlsConnection.AcceptAsync(serverPipe, server, null, cancellation.Token).AsTask();
                Task<TlsConnection> connect = TlsConnection.ConnectAsync(clientPipe, client, cancellation.Token).AsTask();
                for (int spins = random.Next(40); spins > 0 && !(accept.IsCompleted && connect.IsCompleted); spins--)
                {
                    await Task.Yield();
                }

                if (random.Next(3) == 0)
                {
                    await Record.ExceptionAsync(() => Task.WhenAll(accept, connect).WaitAsync(TlsTest.HangTimeout));
                }

                await cancellation.CancelAsync();
                TlsConnection?[] ends = [await Outcome(accept), await Outcome(connect)];
                await Task.WhenAll(ends.OfType<TlsConnection>().Select(end => UseAndDropAsync(end, random.Next(4))));
                if (ends.All(end => end is not null))
                {
                    Interlocked.Increment(ref completed);
                }

                clientPipe.Close();
                serverPipe.Close();
            }
        });
        await stop.CancelAsync();
        await collector;
        Assert.True(completed > 0);
    }

    /// <summary>
    /// Other threads dispose and abort both ends of handshakes, twice, at any point, while each callback collects garbage. Each handshake ends, with any result.
    /// </summary>
    [Fact]
    public async Task Handshakes_that_are_disposed_from_elsewhere()
    {
        using SslContextHandle server = SslContexts.ForServer(TlsTest.ServerOptions(configure: o =>
        {
            o.ClientCertificateMode = TlsClientCertificateMode.RequireCertificate;
            o.ApplicationProtocols = [SslApplicationProtocol.Http2];
        }), logKeys: true);
        using SslContextHandle client = SslContexts.ForClient(TlsTest.ClientOptions(), logKeys: true);
        var random = new Random(1);
        for (int round = 0; round < 60; round++)
        {
            (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
            SslPump serverPump = MakePump(server, new ThrowingRole(null, collects: true), serverPipe, isServer: true);
            SslPump clientPump = MakePump(client, new ThrowingRole(null, collects: true), clientPipe, isServer: false);
            Task[] handshakes = [Task.Run(() => RunAsync(serverPump)), Task.Run(() => RunAsync(clientPump))];
            for (int spins = random.Next(60); spins > 0 && !handshakes.All(h => h.IsCompleted); spins--)
            {
                await Task.Yield();
            }

            SslPump first = random.Next(2) == 0 ? serverPump : clientPump;
            Task[] ends = [Task.Run(() => first.Abort(null)), Task.Run(first.Dispose), Task.Run(first.Dispose)];
            await Task.WhenAll(ends).WaitAsync(TlsTest.HangTimeout);
            (first == serverPump ? serverPipe : clientPipe).Close();
            await Task.WhenAll(handshakes).WaitAsync(TlsTest.HangTimeout);
            serverPump.Dispose();
            clientPump.Dispose();
        }

        static async Task RunAsync(SslPump pump)
        {
            await Record.ExceptionAsync(async () =>
            {
                await pump.HandshakeAsync(TlsTest.Timeout());
                pump.Write(new byte[20_000]);
                await pump.FlushAsync(TlsTest.Timeout());
                while (await pump.ReadAsync(new byte[5_000], TlsTest.Timeout()) > 0)
                {
                }
            });
        }
    }

    /// <summary>A forgotten connection is collected with its native part, because no native memory refers to managed memory.</summary>
    [Fact]
    public async Task Forgotten_connection_is_collected()
    {
        using TlsServerContext server = TlsTest.Server();
        using TlsClientContext client = TlsTest.Client();
        WeakReference[] forgotten = await ForgetAsync(client, server);
        for (int i = 0; i < 50 && forgotten.Any(reference => reference.IsAlive); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Yield();
        }

        Assert.DoesNotContain(forgotten, reference => reference.IsAlive);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        await pair.Client.SendAsync([1]);
        Assert.Equal([1], await pair.Server.ReadExactlyAsync(1));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference[]> ForgetAsync(TlsClientContext client, TlsServerContext server)
    {
        Pair pair = await TlsTest.ConnectAsync(client, server);
        await pair.Client.SendAsync([1]);
        await pair.Server.ReadExactlyAsync(1);
        return [new WeakReference(pair.Client), new WeakReference(pair.Server)];
    }

    private static async Task<TlsConnection?> Outcome(Task<TlsConnection> handshake)
    {
        await Record.ExceptionAsync(() => handshake.WaitAsync(TlsTest.HangTimeout));
        return handshake.IsCompletedSuccessfully ? await handshake : null;
    }

    private static async Task UseAndDropAsync(TlsConnection connection, int how)
    {
        Task reading = Task.Run(() => Record.ExceptionAsync(() => connection.ReadAsync(new byte[100]).AsTask()));
        Task writing = Task.Run(() => Record.ExceptionAsync(async () =>
        {
            for (int i = 0; i < 5; i++)
            {
                connection.Write(new byte[1000]);
                await connection.FlushAsync();
            }
        }));
        switch (how)
        {
            case 0:
                await Record.ExceptionAsync(() => connection.CompleteAsync(TlsTest.Timeout()).AsTask());
                break;
            case 1:
                connection.Abort();
                break;
            case 2:
                connection.ForbidResumption();
                break;
        }

        await connection.DisposeAsync();
        await Task.WhenAll(reading, writing).WaitAsync(TlsTest.HangTimeout);
    }

    /// <summary>The callbacks of each end in a full handshake, and when it is dropped without close_notify.</summary>
    private static bool IsAsked(string callback, bool isServer, SslProtocols version) => callback switch
    {
        nameof(SslRole.InspectClientHello) or nameof(SslRole.TrySelectProtocol) => isServer,
        nameof(SslRole.ProvideCertificate) => !isServer,
        nameof(SslRole.FindSession) => false,

        // In TLS 1.3 a client gets its session with the first read.
        nameof(SslRole.KeepSession) or nameof(SslRole.DropSession) => isServer || version == SslProtocols.Tls12,
        _ => true,
    };

    private static SslPump MakePump(SslContextHandle context, SslRole role, DuplexPipe pipe, bool isServer)
    {
        var ssl = new SslHandle(context);
        nint handle = ssl.DangerousGetHandle();
        if (isServer)
        {
            new CertificateContext(TestCertificates.Server, null).Use(handle);
            unsafe
            {
                byte scope = 1;
                Assert.Equal(1, LibSsl.SSL_set_session_id_context(handle, &scope, 1));
            }

            LibSsl.SSL_set_accept_state(handle);
        }
        else
        {
            unsafe
            {
                fixed (byte* protocols = "\u0002h2"u8)
                {
                    Assert.Equal(0, LibSsl.SSL_set_alpn_protos(handle, protocols, 3));
                }
            }

            LibSsl.SSL_set_connect_state(handle);
        }

        return new SslPump(ssl, role, pipe);
    }

    private sealed class ThrowingRole(string? throwing, bool collects = false) : SslRole
    {
        public InvalidTimeZoneException? Thrown { get; private set; }

        public override bool AddExtension() => Do(nameof(AddExtension), true);

        public override bool ParseExtension(int length) => Do(nameof(ParseExtension), true);

        public override TlsAlert? InspectClientHello(nint ssl) => Do(nameof(InspectClientHello), (TlsAlert?)null);

        public override bool TrySelectProtocol(ReadOnlySpan<byte> offered, out Range name)
        {
            name = 1..3;
            return Do(nameof(TrySelectProtocol), true);
        }

        public override void ProvideCertificate(nint ssl)
        {
            Do(nameof(ProvideCertificate), true);
            new CertificateContext(TestCertificates.Client, null).Use(ssl);
        }

        public override void HandshakeDone(bool resumed)
        {
        }

        public override bool KeepSession(nint ssl, nint session) => Do(nameof(KeepSession), false);

        public override nint FindSession(ReadOnlySpan<byte> id) => Do(nameof(FindSession), (nint)0);

        public override void DropSession(nint session) => Do(nameof(DropSession), true);

        public override void ForbidResumption()
        {
        }

        public override void WriteKeyLog(ReadOnlySpan<byte> line) => Do(nameof(WriteKeyLog), true);

        protected override CertificateValidationResult ValidatePeer(PeerCertificates peer) => Do(nameof(ValidatePeer), CertificateValidationResult.Accepted);

        private T Do<T>(string name, T result)
        {
            if (collects)
            {
                GC.Collect();
            }

            return name == throwing ? throw (Thrown ??= new InvalidTimeZoneException(name)) : result;
        }
    }

    private sealed class BadMemory(Exception thrown) : MemoryManager<byte>
    {
        public override Memory<byte> Memory => CreateMemory(100);

        public override Span<byte> GetSpan() => throw thrown;

        public override MemoryHandle Pin(int elementIndex = 0) => throw thrown;

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }

    private sealed class BadReader(Exception thrown) : PipeReader
    {
        public override void AdvanceTo(SequencePosition consumed)
        {
        }

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
        }

        public override void CancelPendingRead()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
            => new(new ReadResult(new ReadOnlySequence<byte>(new BadMemory(thrown).Memory), false, false));

        public override bool TryRead(out ReadResult result)
        {
            result = default;
            return false;
        }
    }

    private sealed class BadWriter(Exception thrown) : PipeWriter
    {
        public override void Advance(int bytes)
        {
        }

        public override void CancelPendingFlush()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => default;

        public override Memory<byte> GetMemory(int sizeHint = 0) => throw thrown;

        public override Span<byte> GetSpan(int sizeHint = 0) => throw thrown;
    }
}
