using MtaTls.FunctionalTests.Interop;
using MtaTls.FunctionalTests.Support;
using MtaTls.QuicTunnel.Tests.EndToEnd;

namespace MtaTls.QuicTunnel.Tests.Interop;

/// <summary>tools/wireshark/qt-session.lua in tshark, on traffic that is recorded while other tests of this assembly make it.</summary>
public class WiresharkTests
{
    [Fact]
    public async Task TLVs_and_inner_packets_are_shown()
    {
        string network = $"mtatls-shark-{Environment.ProcessId}";
        (int exitCode, string output) = await Tool.RunAsync("ip", "", "netns", "add", network);
        Assert.SkipUnless(exitCode == 0, "Network namespaces can't be made here: " + output);
        try
        {
            // The kernel hands a capture several packets in one, as they are sent, unless the device takes one at a time.
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

        // GnuTLS reads SSLKEYLOGFILE once in a process, so these tests run in another one.
        (int exitCode, string output) = await Tool.RunAsync(within[0], "",
        [
            .. within[1..], "env", "SSLKEYLOGFILE=" + capture.Keys, "dotnet", "exec", typeof(WiresharkTests).Assembly.Location,
            "-method", $"*.{nameof(TunnelTests.Packets_go_both_ways_unchanged)}",
            "-method", $"*.{nameof(TunnelTests.An_Access_Report_moves_the_packets_to_the_other_path)}",
        ]);
        Assert.True(exitCode == 0, output);
        // Three sessions and a join, in which four reports are made. QUIC may say a thing twice on a busy machine.
        await capture.UntilAsync("qt_session.tlv.type", "qt_session.tlv.type", static types =>
            Counted(types, "0") >= 4 && Counted(types, "1") >= 3 && Counted(types, "2") >= 3 && Counted(types, "3") >= 1);
        await capture.UntilAsync("qt_session.packet_tag && udp.dstport == 5000", "udp.dstport", static ports => ports.Length >= 2);
        Assert.Equal(["1", "2"], (await capture.ReadAsync("qt_session.signal", "qt_session.signal")).Distinct().Order());
        Assert.Equal(["1", "2"], (await capture.ReadAsync("qt_session.access_id", "qt_session.access_id")).Distinct().Order());

        // The session id that the join names is one that was given.
        Assert.Contains(Assert.Single((await capture.ReadAsync("qt_session.tlv.type == 3", "qt_session.session_id")).Distinct()), await capture.ReadAsync("qt_session.tlv.type == 2", "qt_session.session_id"));

        // The packets inside, down to their ports.
        Assert.Contains("fd99::2", await capture.ReadAsync("qt_session.protocol_type == 0x86dd", "ipv6.src"));
        Assert.Contains("10.99.0.2", await capture.ReadAsync("qt_session.protocol_type == 0x0800", "ip.src"));
        Assert.Contains("5000", await capture.ReadAsync("qt_session.protocol_type", "udp.dstport"));
        Assert.Empty(await capture.ReadAsync("qt_session.malformed || qt_session.unsupported", "frame.number"));
    }

    private static int Counted(string[] types, string type) => types.Count(t => t == type);
}
