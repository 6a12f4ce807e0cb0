using System.Text.Json;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.EndToEnd;

/// <summary>The qlog files of connections.</summary>
public sealed class QlogTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("qlog-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Both_ends_write_a_qlog_file_for_each_connection()
    {
        await using (TunnelHost host = await TunnelHost.StartAsync(options => options.QlogDirectory = _directory))
        {
            await using QuicTunnelClient client = await host.ConnectAsync(options => options.QlogDirectory = _directory);
            byte[] packet = IpPackets.Udp("10.99.0.2", "10.99.0.1", "up"u8);
            client.Packets!.TrySend(packet);
            Assert.Equal(packet, await host.Packets.ReceiveAsync());
        }

        await Wait.UntilAsync(() => Directory.GetFiles(_directory).Length == 2, "a file is missing");
        string[] files = [.. Directory.GetFiles(_directory).OrderBy(static file => file.EndsWith("server.sqlog", StringComparison.Ordinal))];
        Assert.EndsWith("-client.sqlog", files[0], StringComparison.Ordinal);
        // Both names contain the connection id that the client chose first.
        Assert.Equal(files[0].Split('-')[^2], files[1].Split('-')[^2]);
        foreach (string file in files)
        {
            // JSON text sequences (RFC 7464): each record begins with a record separator.
            string[] records = (await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)).Split('\u001e', StringSplitOptions.RemoveEmptyEntries);
            Assert.True(records.Length > 10, $"{records.Length} records");
            Assert.All(records, static record => JsonDocument.Parse(record).Dispose());
            Assert.Contains(records, static record => record.Contains("datagram", StringComparison.Ordinal));
            Assert.Contains(records, static record => record.Contains("packet_received", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_missing_directory_is_a_warning_and_the_connection_works()
    {
        string gone = Directory.CreateDirectory(Path.Combine(_directory, "gone")).FullName;
        await using TunnelHost host = await TunnelHost.StartAsync(options => options.QlogDirectory = gone);
        Directory.Delete(gone);
        await using QuicTunnelClient client = await host.ConnectAsync();
        await Wait.UntilAsync(() => host.Logs.Entries.Any(static entry => entry.Event == "QlogFailed"), "nothing was said");
    }
}
