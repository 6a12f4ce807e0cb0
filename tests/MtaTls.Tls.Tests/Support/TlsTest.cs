using System.Security.Authentication;

namespace MtaTls.Tls.Tests.Support;

/// <summary>Options and connections that the tests share.</summary>
internal static class TlsTest
{
    public const ushort ExtensionType = 65389;

    public static readonly TimeSpan HangTimeout = TimeSpan.FromMinutes(5);

    public static TheoryData<SslProtocols> Versions => [SslProtocols.Tls12, SslProtocols.Tls13];

    public static TlsServerOptions ServerOptions(SslProtocols version = SslProtocols.None, Action<TlsServerOptions>? configure = null)
    {
        var options = new TlsServerOptions
        {
            ServerCertificate = TestCertificates.Server,
            EnabledSslProtocols = version,
            ClientCertificateChainPolicy = TestCertificates.TrustRoot(),
        };
        configure?.Invoke(options);
        return options;
    }

    public static TlsClientOptions ClientOptions(SslProtocols version = SslProtocols.None, Action<TlsClientOptions>? configure = null)
    {
        var options = new TlsClientOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = version,
            CertificateChainPolicy = TestCertificates.TrustRoot(),
        };
        configure?.Invoke(options);
        return options;
    }

    public static TlsServerContext Server(SslProtocols version = SslProtocols.None, Action<TlsServerOptions>? configure = null)
        => new(ServerOptions(version, configure));

    public static TlsClientContext Client(SslProtocols version = SslProtocols.None, Action<TlsClientOptions>? configure = null)
        => new(ClientOptions(version, configure));

    public static CancellationToken Timeout() => new CancellationTokenSource(HangTimeout).Token;

    /// <summary>Runs the handshakes of both ends of a pair of pipes.</summary>
    public static Task<Pair> ConnectAsync(TlsClientContext client, TlsServerContext server)
        => ConnectAsync(client, server, DuplexPipe.InMemory());

    public static async Task<Pair> ConnectAsync(TlsClientContext client, TlsServerContext server, (DuplexPipe Client, DuplexPipe Server) pipes)
    {
        Task<TlsConnection> accepted = TlsConnection.AcceptAsync(pipes.Server, server, null, Timeout()).AsTask();
        TlsConnection connected;
        try
        {
            connected = await TlsConnection.ConnectAsync(pipes.Client, client, Timeout());
        }
        catch
        {
            pipes.Client.Close();
            await Record.ExceptionAsync(() => accepted);
            throw;
        }

        return new Pair(connected, await accepted, pipes.Client, pipes.Server);
    }

    public static async Task<byte[]> ReadExactlyAsync(this TlsConnection connection, int count)
    {
        byte[] data = new byte[count];
        for (int at = 0; at < count;)
        {
            int read = await connection.ReadAsync(data.AsMemory(at), Timeout());
            Assert.True(read > 0, $"The session ended after {at} of {count} octets.");
            at += read;
        }

        return data;
    }

    public static async Task SendAsync(this TlsConnection connection, byte[] data)
    {
        connection.Write(data);
        await connection.FlushAsync(Timeout());
    }
}

internal sealed record Pair(TlsConnection Client, TlsConnection Server, DuplexPipe ClientPipe, DuplexPipe ServerPipe) : IAsyncDisposable
{
    /// <summary>Ends both sides in order, so that their session can be resumed.</summary>
    public async Task CloseAsync()
    {
        await Client.CompleteAsync(TlsTest.Timeout());
        await Server.CompleteAsync(TlsTest.Timeout());
        byte[] buffer = new byte[1];
        Assert.Equal(0, await Server.ReadAsync(buffer, TlsTest.Timeout()));
        Assert.Equal(0, await Client.ReadAsync(buffer, TlsTest.Timeout()));
        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Server.DisposeAsync();
        ClientPipe.Close();
        ServerPipe.Close();
    }
}
