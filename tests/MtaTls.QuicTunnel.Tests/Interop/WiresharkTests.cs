using MtaTls.FunctionalTests.Interop;
using MtaTls.FunctionalTests.Support;
using MtaTls.QuicTunnel.Tests.EndToEnd;

namespace MtaTls.QuicTunnel.Tests.Interop;

/// <summary>Tests tools/wireshark/qt-session.lua in tshark, with captured traffic of other tests of this assembly.</summary>
public class WiresharkTests
{
    [Fact]
    public async Task TLVs_and_inner_packets_are_shown()
    {
        string network = $"mtatls-shark-{Environment.ProcessId}";
        (int exitCode, string output) = await Tool.RunAsync("ip", "", "netns", "add", network);
        Assert.SkipUnless(exitCode == 0, "Network namespaces cannot be created here: " + output);
        try
        {
            // Without this setting the kernel gives a capture several merged packets at once.
            (exitCode, output) = await Tool.RunAsync("ip", "", "-n", network, "link", "set", "lo", "up", "gso_max_segs", "1");
            Assert.True(exitCode == 0, output);
            await ShowAsync("ip", "netns", "exec", network);
        }
        finally
        {
            await Tool.RunAsync("ip", "", "netns", "del", network);
        }
    }

    private static async Task ShowAsync(params string[] within)
    {
        await using Capture capture = await Capture.StartAsync("udp", within);

        // GnuTLS reads SSLKEYLOGFILE once per process, so these tests run in another process.
        (int exitCode, string output) = await Tool.RunAsync(within[0], "",
        [
            .. within[1..], "env", "SSLKEYLOGFILE=" + capture.Keys, "dotnet", "exec", typeof(WiresharkTests).Assembly.Location,
            "-method", $"*.{nameof(TunnelTests.Packets_go_both_ways_unchanged)}",
            "-method", $"*.{nameof(TunnelTests.An_Access_Report_moves_the_packets_to_the_other_path)}",
        ]);
        Assert.True(exitCode == 0, output);
        // Three sessions and a join, with four reports. QUIC may retransmit some of them on a busy machine.
        await capture.UntilAsync("qt_session.tlv.type", "qt_session.tlv.type", static types =>
            Counted(types, "0") >= 4 && Counted(types, "1") >= 3 && Counted(types, "2") >= 3 && Counted(types, "3") >= 1);
        await capture.UntilAsync("qt_session.packet_tag && udp.dstport == 5000", "udp.dstport", static ports => ports.Length >= 2);
        Assert.Equal(["1", "2"], (await capture.ReadAsync("qt_session.signal", "qt_session.signal")).Distinct().Order());
        Assert.Equal(["1", "2"], (await capture.ReadAsync("qt_session.access_id", "qt_session.access_id")).Distinct().Order());

        // The join has a session id that the concentrator issued.
        Assert.Contains(Assert.Single((await capture.ReadAsync("qt_session.tlv.type == 3", "qt_session.session_id")).Distinct()), await capture.ReadAsync("qt_session.tlv.type == 2", "qt_session.session_id"));

        // The inner packets are decoded down to their ports.
        Assert.Contains("fd99::2", await capture.ReadAsync("qt_session.protocol_type == 0x86dd", "ipv6.src"));
        Assert.Contains("10.99.0.2", await capture.ReadAsync("qt_session.protocol_type == 0x0800", "ip.src"));
        Assert.Contains("5000", await capture.ReadAsync("qt_session.protocol_type", "udp.dstport"));
        Assert.Empty(await capture.ReadAsync("qt_session.malformed || qt_session.unsupported", "frame.number"));
    }

    private static int Counted(string[] types, string type) => types.Count(t => t == type);
}
