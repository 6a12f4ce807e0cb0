using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace MtaTls.Tls.Tests.Support;

/// <summary>Runs in a process with its own TLS policy. There the engine must offer and accept what SslStream does, as far as the engine supports it.</summary>
internal static class PolicyComparison
{
    private const ushort Tls12 = 0x0303, Tls13 = 0x0304;

    private static readonly ushort[] s_curves = [0x001D, 0x0017, 0x0018, 0x0019, 0x001E, 0x11EC];
    private static readonly ushort[] s_suites = [0x1301, 0x1302, 0x1303, 0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9];

    /// <param name="versions">The versions that the application sets.</param>
    /// <param name="namesSuites">Whether the policy has a CipherString. Without one, .NET uses its own list, which has no ChaCha20 in TLS 1.2.</param>
    public static async Task CompareAsync(SslProtocols versions, bool namesSuites)
    {
        using TlsClientContext client = TlsTest.Client(versions);
        ClientOffer ours = await OfferAsync(socket => TlsConnection.ConnectAsync(DuplexPipe.Over(socket), client).AsTask());
        ClientOffer theirs = await OfferAsync(socket => new SslStream(new NetworkStream(socket, ownsSocket: true)).AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "localhost", EnabledSslProtocols = versions }));
        Assert.Equal(theirs.Groups.Where(s_curves.Contains), ours.Groups);
        Assert.Equal(theirs.SignatureAlgorithms.Where(ours.SignatureAlgorithms.Contains), ours.SignatureAlgorithms);
        if (namesSuites)
        {
            Assert.Equal(theirs.Suites.Where(s_suites.Contains), ours.Suites.Where(s_suites.Contains));
        }
        else
        {
            Assert.Equal(theirs.Suites.Where(s_suites.Contains).Order(), ours.Suites.Where(static s => s_suites.Contains(s) && s is not (0xCCA8 or 0xCCA9)).Order());
        }

        bool hasOldSuites = ours.Suites.Any(static s => s >> 8 is 0xC0 or 0xCC);
        Assert.Equal(theirs.Versions.Where(v => v == Tls13 || (v == Tls12 && hasOldSuites)), ours.Versions);

        using TlsServerContext server = TlsTest.Server(versions);
        int accepted = 0, asked = 0;
        foreach (ushort version in (ushort[])[Tls12, Tls13])
        {
            foreach (ushort suite in version == Tls13 ? s_suites[..3] : [0xC02B, 0xC02C, .. namesSuites ? (ushort[])[0xCCA9] : []])
            {
                foreach (ushort group in (ushort[])[.. s_curves, 0x0100])
                {
                    byte[] hello = Ask(version, suite, group);
                    string engine = await AnswerAsync(hello, async socket => await TlsConnection.AcceptAsync(DuplexPipe.Over(socket), server, null));
                    string sslStream = await AnswerAsync(hello, socket => new SslStream(new NetworkStream(socket, ownsSocket: true)).AuthenticateAsServerAsync(
                        new SslServerAuthenticationOptions { ServerCertificate = TestCertificates.Server, EnabledSslProtocols = versions }));
                    Assert.Equal($"{version:x} {suite:x} {group:x}: {(group == 0x0100 ? "refused" : sslStream)}", $"{version:x} {suite:x} {group:x}: {engine}");
                    accepted += engine == "refused" ? 0 : 1;
                    asked++;
                }
            }
        }

        // Comparing only refusals would show nothing. SECLEVEL=4 refuses the server's own certificate.
        Console.WriteLine($"{accepted} of {asked} accepted");
    }

    public static void FindNothing()
    {
        Assert.Contains("policy", Assert.Throws<PlatformNotSupportedException>(static () => TlsTest.Server()).Message, StringComparison.Ordinal);
        Assert.Contains("policy", Assert.Throws<PlatformNotSupportedException>(static () => TlsTest.Client()).Message, StringComparison.Ordinal);
        Assert.NotNull(TlsEngine.FindPolicyObstacle(SslProtocols.None));
    }

    /// <summary>A ClientHello with one version, one cipher suite and one group, without a key share. A server that accepts it answers with a ServerHello or a HelloRetryRequest.</summary>
    private static byte[] Ask(ushort version, ushort suite, ushort group)
    {
        byte[] groups = Hello.Extension(10, Hello.Vector16(Hello.Number(group)));
        byte[] algorithms = Hello.Extension(13, Hello.Vector16([.. Hello.Number(0x0403), .. Hello.Number(0x0503)]));
        byte[] offer = Hello.Extension(TlsTest.ExtensionType, []);
        return version == Tls13
            ? Hello.Message(0x0303, [suite], [0], groups, algorithms, Hello.Extension(51, Hello.Vector16([])), Hello.SupportedVersions(Tls13), offer)
            : Hello.Message(0x0303, [suite, 0x00FF], [0], groups, algorithms, offer);
    }

    private static async Task<string> AnswerAsync(byte[] hello, Func<Socket, Task> accept)
    {
        (Socket client, Socket server) = await DuplexPipe.SocketsAsync();
        Task accepting = accept(server);
        await using NetworkStream stream = new(client, ownsSocket: true);
        await stream.WriteAsync(Hello.Records(hello), TlsTest.Timeout());
        byte[] answer = await ReadRecordAsync(stream);
        await stream.DisposeAsync();
        await Record.ExceptionAsync(() => accepting);
        if (answer is not [22, _, _, _, _, 2, ..])
        {
            return "refused";
        }

        int at = 5 + 4 + 2 + 32;
        at += 1 + answer[at];
        return $"suite {BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(at)):x}";
    }

    private static async Task<ClientOffer> OfferAsync(Func<Socket, Task> connect)
    {
        (Socket client, Socket server) = await DuplexPipe.SocketsAsync();
        Task connecting = connect(client);
        await using NetworkStream stream = new(server, ownsSocket: true);
        byte[] hello = await ReadRecordAsync(stream);
        await stream.DisposeAsync();
        await Record.ExceptionAsync(() => connecting);
        return ClientOffer.Parse(hello);
    }

    private static async Task<byte[]> ReadRecordAsync(NetworkStream stream)
    {
        byte[] header = new byte[5];
        if (await stream.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, TlsTest.Timeout()) < header.Length)
        {
            return [];
        }

        byte[] body = new byte[BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(3))];
        await stream.ReadExactlyAsync(body, TlsTest.Timeout());
        return [.. header, .. body];
    }

    private sealed record ClientOffer(ushort[] Versions, ushort[] Suites, ushort[] Groups, ushort[] SignatureAlgorithms)
    {
        public static ClientOffer Parse(byte[] record)
        {
            int at = 5 + 4 + 2 + 32;
            ushort[] versions = [BinaryPrimitives.ReadUInt16BigEndian(record.AsSpan(9))], groups = [], algorithms = [];
            at += 1 + record[at];
            ushort[] suites = Numbers(record.AsSpan(at + 2, BinaryPrimitives.ReadUInt16BigEndian(record.AsSpan(at))));
            at += 2 + 2 * suites.Length;
            at += 1 + record[at] + 2;
            while (at + 4 <= record.Length)
            {
                Span<byte> body = record.AsSpan(at + 4, BinaryPrimitives.ReadUInt16BigEndian(record.AsSpan(at + 2)));
                switch (BinaryPrimitives.ReadUInt16BigEndian(record.AsSpan(at)))
                {
                    case 10:
                        groups = Numbers(body[2..]);
                        break;
                    case 13:
                        algorithms = Numbers(body[2..]);
                        break;
                    case 43:
                        versions = Numbers(body[1..]);
                        break;
                }

                at += 4 + body.Length;
            }

            return new ClientOffer(versions, suites, groups, algorithms);
        }

        private static ushort[] Numbers(Span<byte> octets)
        {
            ushort[] numbers = new ushort[octets.Length / 2];
            for (int i = 0; i < numbers.Length; i++)
            {
                numbers[i] = BinaryPrimitives.ReadUInt16BigEndian(octets[(2 * i)..]);
            }

            return numbers;
        }
    }
}
