using MtaTls.Protocol;
using S = MtaTls.Configuration.Settings<MtaTls.Protocol.MtaTlsKeepAliveOptions>;

namespace MtaTls.Configuration;

/// <summary>The settings of a section <c>KeepAlive</c>.</summary>
internal static class KeepAliveSettings
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    /// <summary>The settings of a server. It sends no pings by default.</summary>
    public static SettingTable<MtaTlsKeepAliveOptions> Server { get; } = Create(ping: false);

    /// <summary>The settings of a client. It sends pings by default.</summary>
    public static SettingTable<MtaTlsKeepAliveOptions> Client { get; } = Create(ping: true);

    private static SettingTable<MtaTlsKeepAliveOptions> Create(bool ping) => new(
    [
        S.Boolean(nameof(MtaTlsKeepAliveOptions.Tcp), "Whether TCP keep-alive of the operating system is on for the TCP connections of sessions.", o => o.Tcp, (o, v) => o.Tcp = v),
        S.Boolean(nameof(MtaTlsKeepAliveOptions.Ping), "Whether sessions send pings, which also detect a process that hangs.", o => o.Ping, (o, v) => o.Ping = v),
        S.Duration(
            nameof(MtaTlsKeepAliveOptions.Interval), "The time without a received byte after which the peer is asked for an answer.", o => o.Interval, (o, v) => o.Interval = v, s_second, TimeSpan.FromDays(1)),
        S.Duration(
            nameof(MtaTlsKeepAliveOptions.Timeout), "The time without a received byte, after the peer was asked, after which the session ends.",
            o => o.Timeout, (o, v) => o.Timeout = v, s_second, TimeSpan.FromHours(1)),
    ],
    defaults: () => new MtaTlsKeepAliveOptions { Ping = ping });
}
