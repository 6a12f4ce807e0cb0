using System.Diagnostics;
using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;

namespace MtaTls.Quic.Tests.Interop;

/// <summary>Tests against another implementation, quic-go, from Debian's golang-go and golang-github-lucas-clemente-quic-go-dev. Skipped if they are not installed.</summary>
public sealed class QuicGoTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("quicgo").FullName;

    [Fact]
    public async Task A_quic_go_client_works_with_the_listener()
    {
        await using var quic = new QuicFixture();
        string program = await BuildAsync();
        var server = new RecordingHandler();
        quic.NextHandler = _ => server;

        using Process peer = Start(program, "client", quic.EndPoint.ToString());
        await TalkAsync(await server.Connected, server, peer, ownStream: 3, peersStream: 2);
    }

    [Fact]
    public async Task The_client_works_with_a_quic_go_server()
    {
        await using var quic = new QuicFixture();
        string program = await BuildAsync();
        string certificate = Path.Combine(_folder, "server.pem"), key = Path.Combine(_folder, "server.key");
        await File.WriteAllTextAsync(certificate, TestCertificates.Instance.Server.ExportCertificatePem());
        using (ECDsa ecdsa = System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions.GetECDsaPrivateKey(TestCertificates.Instance.Server)!)
        {
            await File.WriteAllTextAsync(key, ecdsa.ExportPkcs8PrivateKeyPem());
        }

        using Process peer = Start(program, "server", "127.0.0.1:0", certificate, key);
        string listening = await LineAsync(peer);
        Assert.StartsWith("listening ", listening);
        (IQuicConnection? connection, RecordingHandler? handler) = quic.Connect(to: IPEndPoint.Parse(listening["listening ".Length..]));
        await handler.Connected;
        await TalkAsync(connection, handler, peer, ownStream: 2, peersStream: 3);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task TalkAsync(IQuicConnection connection, RecordingHandler handler, Process peer, long ownStream, long peersStream)
    {
        Assert.Equal("test", connection.ApplicationProtocol);
        (long id, byte[]? data) = await handler.Streams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout);
        Assert.Equal(peersStream, id);
        Assert.Equal([1, 0], data);

        long own = connection.OpenUnidirectionalStream(), reset = connection.OpenUnidirectionalStream();
        Assert.Equal(ownStream, own);
        connection.SendStream(own, [2, 2, 0xab, 0xcd], fin: true);
        connection.SendStream(reset, [3], fin: false);
        connection.ResetStream(reset, 0x1234);
        var echoed = new HashSet<int>();
        int next = 0;
        await RecordingHandler.Until(() =>
        {
            // A datagram may be lost, also in quic-go's own queue: send more until quic-go has received a hundred.
            if (next - echoed.Count < 5)
            {
                connection.TrySendDatagram(BitConverter.GetBytes(next++), new byte[1000]);
            }

            while (handler.Datagrams.TryRead(out byte[]? datagram))
            {
                echoed.Add(BitConverter.ToInt32(datagram));
            }

            return echoed.Count >= 95;
        });
        for (int i = 0; i < 20; i++)
        {
            connection.TrySendDatagram(BitConverter.GetBytes(next++), []);
        }

        await RecordingHandler.Until(() => handler.DatagramCount >= 100);
        connection.Close(0x77, "bye");
        await handler.Closed;

        Assert.Equal("protocol test", await LineAsync(peer));
        Assert.Equal($"opened {peersStream}", await LineAsync(peer));
        Assert.Equal($"stream {ownStream} 0202abcd", await LineAsync(peer));
        Assert.Equal($"reset stream {reset} canceled with error code 4660", await LineAsync(peer));
        Assert.Equal("closed Application error 0x77: bye", await LineAsync(peer));
    }

    private static async Task<string> LineAsync(Process peer) =>
        await peer.StandardOutput.ReadLineAsync().WaitAsync(RecordingHandler.Timeout) ?? throw new InvalidOperationException(await peer.StandardError.ReadToEndAsync());

    private static Process Start(string program, params string[] arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;

    private async Task<string> BuildAsync([CallerFilePath] string here = "")
    {
        Assert.SkipUnless(File.Exists("/usr/bin/go") && Directory.Exists("/usr/share/gocode/src/github.com/lucas-clemente/quic-go"), "golang-go or golang-github-lucas-clemente-quic-go-dev is not installed");
        string source = Path.Combine(Path.GetDirectoryName(here)!, "QuicGo", "main.go");
        Assert.SkipUnless(File.Exists(source), "The sources of the quic-go peer were not found.");
        string program = Path.Combine(_folder, "quicgo");
        var start = new ProcessStartInfo("/usr/bin/go", ["build", "-o", program, source]) { RedirectStandardError = true, WorkingDirectory = _folder };
        start.Environment["GO111MODULE"] = "off";
        start.Environment["GOPATH"] = "/usr/share/gocode";
        start.Environment["GOCACHE"] = Path.Combine(Path.GetTempPath(), "mtatls-go-cache");
        using Process build = Process.Start(start)!;
        string errors = await build.StandardError.ReadToEndAsync();
        await build.WaitForExitAsync();
        Assert.True(build.ExitCode == 0, errors);
        return program;
    }
}
