using MtaTls.Protocol;
using S = MtaTls.Configuration.Settings<MtaTls.Protocol.MtaTlsKeepAliveOptions>;

namespace MtaTls.Configuration;

/// <summary>The settings of a section <c>KeepAlive</c>.</summary>
internal static class KeepAliveSettings
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    /// <summary>Of a server: it sends no pings by default.</summary>
    public static SettingTable<MtaTlsKeepAliveOptions> Server { get; } = Create(ping: false);

    /// <summary>Of a client.</summary>
    public static SettingTable<MtaTlsKeepAliveOptions> Client { get; } = Create(ping: true);

    private static SettingTable<MtaTlsKeepAliveOptions> Create(bool ping) => new(
    [
        S.Boolean(nameof(MtaTlsKeepAliveOptions.Tcp), "Whether the operating system's TCP keep-alive is on for the connections below sessions.", o => o.Tcp, (o, v) => o.Tcp = v),
        S.Boolean(nameof(MtaTlsKeepAliveOptions.Ping), "Whether pings are sent, which find a process that hangs as well.", o => o.Ping, (o, v) => o.Ping = v),
        S.Duration(
            nameof(MtaTlsKeepAliveOptions.Interval), "How long nothing must have been received before the peer is asked.", o => o.Interval, (o, v) => o.Interval = v, s_second, TimeSpan.FromDays(1)),
        S.Duration(
            nameof(MtaTlsKeepAliveOptions.Timeout), "How long the peer may send nothing after it was asked, before the session ends.",
            o => o.Timeout, (o, v) => o.Timeout = v, s_second, TimeSpan.FromHours(1)),
    ],
    defaults: () => new MtaTlsKeepAliveOptions { Ping = ping });
}
