using System.Net;
using System.Net.Sockets;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Tls;

/// <summary>
/// The machine's TLS policy applies to an endpoint whether or not a client offers the extension. The server is a process whose OPENSSL_CONF names a file with the policy.
/// The test writes the ClientHellos itself, so that the policy of the test's process does not matter.
/// </summary>
public sealed class MachinePolicyTests
{
    private const int ExtensionType = 65389;

    // In TLS 1.2 the groups must also contain the curve of the certificate (P-256).
    private static readonly ushort[] s_groups = [0x001D, 0x0017, 0x0018, 0x0019];

    [Theory]
    [InlineData(9, "")]
    [InlineData(8, "MinProtocol = TLSv1.3")]
    [InlineData(1, "MaxProtocol = TLSv1.2")]
    [InlineData(2, "Groups = P-384")]
    [InlineData(8, "CipherString = AES128-SHA256")]
    [InlineData(5, "Ciphersuites = TLS_AES_256_GCM_SHA384")]
    [InlineData(1, "MinProtocol = TLSv1.3", "Groups = P-521", "Ciphersuites = TLS_AES_128_GCM_SHA256")]
    public async Task The_extension_evades_no_policy(int accepted, params string[] policy)
    {
        await using PolicyServer server = await PolicyServer.StartAsync(policy);
        int count = 0;
        foreach ((string question, byte[] plain, byte[] offering) in Questions())
        {
            bool ordinary = await AskAsync(server.Port, plain) is not null, multiplexed = await AskAsync(server.Port, offering) is true;
            Assert.True(ordinary == multiplexed, $"{question}: {ordinary} without the extension, {multiplexed} with it.");
            count += multiplexed ? 1 : 0;
        }

        Assert.Equal(accepted, count);
    }

    /// <summary>If the engine supports nothing that the policy allows, the endpoint remains ordinary HTTPS, and the log has the reason.</summary>
    [Theory]
    [InlineData("Groups = ffdhe2048")]
    [InlineData("MaxProtocol = TLSv1.2", "CipherString = AES128-GCM-SHA256")]
    public async Task An_endpoint_that_the_engine_cannot_serve_remains_ordinary_HTTPS(params string[] policy)
    {
        await using PolicyServer server = await PolicyServer.StartAsync(policy);
        Assert.Contains("the machine's TLS policy", server.Log, StringComparison.Ordinal);
        foreach ((_, byte[] plain, byte[] offering) in Questions())
        {
            Assert.Equal(await AskAsync(server.Port, plain), await AskAsync(server.Port, offering));
        }
    }

    private static IEnumerable<(string Question, byte[] Plain, byte[] Offering)> Questions()
    {
        byte[] algorithms = Hello.Extension(13, Hello.Vector16([.. Hello.Number(0x0403)])), offer = Hello.Extension(ExtensionType, []);
        foreach (ushort group in s_groups)
        {
            byte[] groups = Hello.Extension(10, Hello.Vector16(Hello.Number(group)));
            foreach (ushort suite in (ushort[])[0x1301, 0x1302, 0xC02B])
            {
                // Without a key share, so that a server that accepts the group asks for one (HelloRetryRequest).
                byte[][] extensions = suite >> 8 == 0x13
                    ? [groups, algorithms, Hello.Extension(51, Hello.Vector16([])), Hello.SupportedVersions(0x0304)]
                    : [groups, algorithms];
                yield return ($"suite {suite:x}, group {group:x}", Hello.Message(0x0303, [suite, 0x00FF], [0], extensions), Hello.Message(0x0303, [suite, 0x00FF], [0], [.. extensions, offer]));
            }
        }
    }

    /// <summary>Returns null if the ClientHello is refused, else whether the engine answered. TLS 1.3 shows the extension only in encrypted messages, so a HelloRetryRequest counts as the engine's answer.</summary>
    private static async Task<bool?> AskAsync(int port, byte[] hello)
    {
        using Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        await using NetworkStream stream = new(socket);
        await stream.WriteAsync(Hello.Records(hello)).Soon();
        byte[] header = new byte[5];
        try
        {
            if (await stream.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false).Soon() < header.Length)
            {
                return null;
            }

            byte[] body = new byte[header[3] << 8 | header[4]];
            await stream.ReadExactlyAsync(body).Soon();
            if (header[0] != 22 || body[0] != 2)
            {
                return null;
            }

            bool isTls13 = body.AsSpan().IndexOf((byte[])[0, 43, 0, 2, 3, 4]) >= 0;
            return isTls13 || body.AsSpan().IndexOf((byte[])[.. Hello.Number(ExtensionType), 0, 0]) >= 0;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private sealed class PolicyServer(ServerProcess process, string file) : IAsyncDisposable
    {
        public int Port => process.Port;

        public string Log => process.Log;

        public static async Task<PolicyServer> StartAsync(string[] policy)
        {
            string file = Path.GetTempFileName();
            await File.WriteAllTextAsync(file, string.Join('\n', [
                "openssl_conf = init", "[init]", "ssl_conf = ssl", "[ssl]", "system_default = policy", "[policy]", .. policy, ""]));
            return new PolicyServer(await ServerProcess.StartAsync(new Dictionary<string, string> { ["OPENSSL_CONF"] = file }), file);
        }

        public async ValueTask DisposeAsync()
        {
            await process.DisposeAsync();
            File.Delete(file);
        }
    }
}
