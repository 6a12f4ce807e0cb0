using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

/// <summary>.NET's SslStream as the other end, on real sockets.</summary>
public class SslStreamTests
{
    public static TheoryData<SslProtocols> Versions => TlsTest.Versions;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task SslStream_as_client(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(configure: o =>
        {
            o.ApplicationProtocols = [SslApplicationProtocol.Http2];
            o.ClientCertificateMode = TlsClientCertificateMode.RequireCertificate;
        });
        (Socket clientSocket, Socket serverSocket) = await DuplexPipe.SocketsAsync();
        using var pipe = DuplexPipe.Over(serverSocket);
        await using var client = new SslStream(new NetworkStream(clientSocket, ownsSocket: true));
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(pipe, server, null, TlsTest.Timeout()).AsTask();
        await client.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                EnabledSslProtocols = version,
                ApplicationProtocols = [SslApplicationProtocol.Http11, SslApplicationProtocol.Http2],
                CertificateChainPolicy = TestCertificates.TrustRoot(),
                ClientCertificates = [TestCertificates.Client],
            },
            TlsTest.Timeout());
        await using TlsConnection connection = await accept;
        Assert.Equal(version, connection.Protocol);
        Assert.Equal(client.NegotiatedCipherSuite, connection.CipherSuite);
        Assert.Equal(SslApplicationProtocol.Http2, client.NegotiatedApplicationProtocol);
        Assert.Equal(TestCertificates.Client, connection.RemoteCertificate);
        Assert.False(connection.DataMultiplexingNegotiated);
        await EchoAsync(client, connection);

        await client.ShutdownAsync();
        Assert.Equal(0, await connection.ReadAsync(new byte[1], TlsTest.Timeout()));
        await connection.CompleteAsync(TlsTest.Timeout());
        Assert.Equal(0, await client.ReadAsync(new byte[1], TlsTest.Timeout()));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task SslStream_as_server(SslProtocols version)
    {
        using TlsClientContext client = TlsTest.Client(configure: o =>
        {
            o.ApplicationProtocols = [SslApplicationProtocol.Http2];
            o.ClientCertificate = TestCertificates.Client;
        });
        (Socket clientSocket, Socket serverSocket) = await DuplexPipe.SocketsAsync();
        using var pipe = DuplexPipe.Over(clientSocket);
        await using var server = new SslStream(new NetworkStream(serverSocket, ownsSocket: true));
        Task authenticated = server.AuthenticateAsServerAsync(
            new SslServerAuthenticationOptions
            {
                ServerCertificate = TestCertificates.Server,
                EnabledSslProtocols = version,
                ApplicationProtocols = [SslApplicationProtocol.Http11, SslApplicationProtocol.Http2],
                ClientCertificateRequired = true,
                CertificateChainPolicy = TestCertificates.TrustRoot(),
            },
            TlsTest.Timeout());
        await using TlsConnection connection = await TlsConnection.ConnectAsync(pipe, client, TlsTest.Timeout());
        await authenticated;
        Assert.Equal(version, connection.Protocol);
        Assert.Equal(SslApplicationProtocol.Http2.Protocol.ToArray(), connection.ApplicationProtocol.ToArray());
        Assert.Equal(TestCertificates.Client, server.RemoteCertificate);
        Assert.Equal("localhost", server.TargetHostName);
        Assert.False(connection.DataMultiplexingNegotiated);
        await EchoAsync(server, connection);

        await server.ShutdownAsync();
        Assert.Equal(0, await connection.ReadAsync(new byte[1], TlsTest.Timeout()));
        await connection.CompleteAsync(TlsTest.Timeout());
        Assert.Equal(0, await server.ReadAsync(new byte[1], TlsTest.Timeout()));
    }

    /// <summary>The server refuses SslStream as a client in the same cases, with the same alerts.</summary>
    [Fact]
    public async Task SslStream_without_a_common_protocol_is_refused()
    {
        using TlsServerContext server = TlsTest.Server(configure: o => o.ApplicationProtocols = [SslApplicationProtocol.Http2]);
        (Socket clientSocket, Socket serverSocket) = await DuplexPipe.SocketsAsync();
        using var pipe = DuplexPipe.Over(serverSocket);
        await using var client = new SslStream(new NetworkStream(clientSocket, ownsSocket: true));
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(pipe, server, null, TlsTest.Timeout()).AsTask();
        await Assert.ThrowsAsync<AuthenticationException>(() => client.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ApplicationProtocols = [new SslApplicationProtocol("other")],
        }));
        await Assert.ThrowsAsync<AuthenticationException>(() => accept);
    }

    /// <summary>16 MiB each way at the same time, in pieces of all sizes.</summary>
    private static async Task EchoAsync(SslStream stream, TlsConnection connection)
    {
        const int Length = 16 * 1024 * 1024;
        Task<byte[]> sentByStream = Task.Run(async () =>
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var random = new Random(1);
            byte[] buffer = new byte[100_000];
            for (int sent = 0; sent < Length;)
            {
                int count = Math.Min(random.Next(1, buffer.Length), Length - sent);
                random.NextBytes(buffer.AsSpan(0, count));
                hash.AppendData(buffer, 0, count);
                await stream.WriteAsync(buffer.AsMemory(0, count));
                sent += count;
            }

            return hash.GetHashAndReset();
        });
        Task<byte[]> sentByUs = Task.Run(async () =>
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var random = new Random(2);
            for (int sent = 0; sent < Length;)
            {
                int count = Math.Min(random.Next(1, 40_000), Length - sent);
                Memory<byte> memory = connection.GetMemory(count)[..count];
                random.NextBytes(memory.Span);
                hash.AppendData(memory.Span);
                if (random.Next(2) == 0)
                {
                    connection.Advance(count);
                }
                else
                {
                    connection.Write(memory.Span);
                }

                sent += count;
                if (random.Next(3) == 0)
                {
                    await connection.FlushAsync();
                }
            }

            await connection.FlushAsync();
            return hash.GetHashAndReset();
        });
        Task<byte[]> readByStream = ReadAsync(buffer => stream.ReadAsync(buffer), Length);
        Task<byte[]> readByUs = ReadAsync(buffer => connection.ReadAsync(buffer), Length);
        await Task.WhenAll(sentByStream, sentByUs, readByStream, readByUs).WaitAsync(TlsTest.HangTimeout);
        Assert.Equal(await sentByStream, await readByUs);
        Assert.Equal(await sentByUs, await readByStream);
    }

    private static async Task<byte[]> ReadAsync(Func<Memory<byte>, ValueTask<int>> read, int length)
    {
        await Task.Yield();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var random = new Random(3);
        byte[] buffer = new byte[50_000];
        for (int got = 0; got < length;)
        {
            int count = await read(buffer.AsMemory(0, random.Next(1, buffer.Length)));
            Assert.True(count > 0);
            hash.AppendData(buffer, 0, count);
            got += count;
        }

        return hash.GetHashAndReset();
    }
}
