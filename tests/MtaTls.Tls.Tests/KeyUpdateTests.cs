using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using MtaTls.Tls.OpenSsl;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

/// <summary>Messages after the handshake (RFC 8446, section 4.6). They make a read send answers, and can delay writes.</summary>
public class KeyUpdateTests
{
    private const int Requested = 1;

    [Fact]
    public async Task Answer_is_sent_by_reading_alone()
    {
        using TlsServerContext server = TlsTest.Server(SslProtocols.Tls13);
        using var client = RawPeer.Client(SslProtocols.Tls13, 0);
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(serverPipe, server).AsTask();
        using SslPump pump = await client.HandshakeAsync(clientPipe, server: false);
        await using TlsConnection connection = await accept;
        for (int i = 0; i < 20; i++)
        {
            pump.Call(ssl => Assert.Equal(1, LibSsl.SSL_key_update(ssl, Requested)));
            pump.Write([(byte)i]);
            await pump.FlushAsync(TlsTest.Timeout());
            Assert.Equal([(byte)i], await connection.ReadExactlyAsync(1));
            await connection.SendAsync([(byte)~i]);
            byte[] buffer = new byte[10];
            Assert.Equal(1, await pump.ReadAsync(buffer, TlsTest.Timeout()));
            Assert.Equal((byte)~i, buffer[0]);
        }
    }

    [Fact]
    public async Task Key_updates_without_end_and_data_end_the_session()
    {
        using TlsServerContext server = TlsTest.Server(SslProtocols.Tls13);
        using var client = RawPeer.Client(SslProtocols.Tls13, 0);
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory(new PipeOptions(pauseWriterThreshold: 0));
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(serverPipe, server).AsTask();
        using SslPump pump = await client.HandshakeAsync(clientPipe, server: false);
        await using TlsConnection connection = await accept;
        for (int i = 0; i < 1000; i++)
        {
            pump.Call(ssl =>
            {
                Assert.Equal(1, LibSsl.SSL_key_update(ssl, 0));
                Assert.Equal(1, LibSsl.SSL_do_handshake(ssl));
            });
        }

        await pump.FlushAsync(TlsTest.Timeout());
        IOException failure = await Assert.ThrowsAsync<IOException>(() => connection.ReadAsync(new byte[10], TlsTest.Timeout()).AsTask());
        Assert.Contains("too many TLS messages", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>docs/mta-tls-wire.md, "Ending a session": a peer that does not read until too many answers wait loses its session.</summary>
    [Fact]
    public async Task Answers_to_a_peer_that_does_not_read_are_bounded()
    {
        using TlsServerContext server = TlsTest.Server(SslProtocols.Tls13);
        using var client = RawPeer.Client(SslProtocols.Tls13, 0);
        (DuplexPipe clientPipe, DuplexPipe serverPipe) = DuplexPipe.InMemory();
        Task<TlsConnection> accept = TlsConnection.AcceptAsync(serverPipe, server).AsTask();
        using SslPump pump = await client.HandshakeAsync(clientPipe, server: false);
        await using TlsConnection connection = await accept;
        var reading = Task.Run(async () =>
        {
            byte[] buffer = new byte[100];
            while (await connection.ReadAsync(buffer, TlsTest.Timeout()) > 0)
            {
            }
        });
        int updates = 0;
        while (!reading.IsCompleted && updates < 100_000)
        {
            pump.Call(ssl => Assert.Equal(1, LibSsl.SSL_key_update(ssl, Requested)));
            pump.Write([1]);

            // After the failure, the server accepts no more bytes.
            await Task.WhenAny(pump.FlushAsync(TlsTest.Timeout()).AsTask(), reading);
            updates++;
        }

        IOException failure = await Assert.ThrowsAsync<IOException>(() => reading);
        Assert.Contains("does not read", failure.Message, StringComparison.Ordinal);
        Assert.InRange(updates, 2_000, 99_999);
    }

    /// <summary>
    /// A KeyUpdate in two records blocks OpenSSL's writes until its second half arrives. Data that is written meanwhile is sent then,
    /// in order, and a flush waits for that.
    /// </summary>
    [Fact]
    public async Task Half_a_key_update_only_delays_what_is_written()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        using TlsServerContext server = TlsTest.Server(SslProtocols.Tls13, o => o.KeyLogFile = path);
        using TlsClientContext client = TlsTest.Client(SslProtocols.Tls13);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        var records = new RecordWriter(await File.ReadAllLinesAsync(path), pair.Server.CipherSuite);
        File.Delete(path);

        Task<byte[]> read = pair.Server.ReadExactlyAsync(2);
        await pair.ClientPipe.Output.WriteAsync(records.Seal(22, [24, 0, 0, 1]));
        byte[] sent = RandomNumberGenerator.GetBytes(50_000);

        // Until the server has read the first half, its writes are still sent.
        int written = 0;
        while (true)
        {
            pair.Server.Write(sent.AsSpan(written, 1));
            written++;
            ValueTask flush = pair.Server.FlushAsync(TlsTest.Timeout());
            if (!flush.IsCompleted)
            {
                pair.Server.Write(sent.AsSpan(written));
                Task<byte[]> received = pair.Client.ReadExactlyAsync(sent.Length);
                Assert.False(flush.IsCompleted);
                await pair.ClientPipe.Output.WriteAsync(records.Seal(22, [0]));
                await flush;
                await pair.Server.FlushAsync(TlsTest.Timeout());
                Assert.Equal(sent, await received);
                break;
            }

            await flush;
            Assert.True(written < 40_000, "The first half was never read.");
            // The server reads on another thread, which can be late on a busy machine. So wait up to three minutes.
            await Task.Delay(5);
        }

        records.UpdateKey();
        await pair.ClientPipe.Output.WriteAsync(records.Seal(23, [1, 2]));
        Assert.Equal([1, 2], await read);
    }

    /// <summary>Seals records of TLS 1.3 (RFC 8446, section 5.2) as the client, from the keys in a key log.</summary>
    private sealed class RecordWriter
    {
        private readonly HashAlgorithmName _hash;
        private readonly int _keyLength;
        private byte[] _secret;
        private ulong _sequence;

        public RecordWriter(string[] keyLog, System.Net.Security.TlsCipherSuite suite)
        {
            (_hash, _keyLength) = suite == System.Net.Security.TlsCipherSuite.TLS_AES_256_GCM_SHA384 ? (HashAlgorithmName.SHA384, 32) : (HashAlgorithmName.SHA256, 16);
            _secret = Convert.FromHexString(keyLog.Single(line => line.StartsWith("CLIENT_TRAFFIC_SECRET_0 ", StringComparison.Ordinal)).Split(' ')[2]);
        }

        public void UpdateKey()
        {
            _secret = Expand("traffic upd", _secret.Length);
            _sequence = 0;
        }

        public byte[] Seal(byte type, byte[] content)
        {
            byte[] nonce = Expand("iv", 12);
            byte[] counter = new byte[12];
            BinaryPrimitives.WriteUInt64BigEndian(counter.AsSpan(4), _sequence++);
            for (int i = 0; i < nonce.Length; i++)
            {
                nonce[i] ^= counter[i];
            }

            byte[] plain = [.. content, type];
            byte[] header = [23, 3, 3, .. Hello.Number((ushort)(plain.Length + 16))];
            byte[] cipher = new byte[plain.Length];
            byte[] tag = new byte[16];
            using var gcm = new AesGcm(Expand("key", _keyLength), 16);
            gcm.Encrypt(nonce, plain, cipher, tag, header);
            return [.. header, .. cipher, .. tag];
        }

        private byte[] Expand(string label, int length)
            => HKDF.Expand(_hash, _secret, length, [.. Hello.Number((ushort)length), .. Hello.Vector8(Encoding.ASCII.GetBytes("tls13 " + label)), 0]);
    }
}
