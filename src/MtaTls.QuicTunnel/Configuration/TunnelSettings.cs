using MtaTls.Configuration;
using Devices = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.TunnelInterfaceOptions>;
using KeepAlives = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.TunnelKeepAliveOptions>;
using Queues = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.TunnelQueueOptions>;
using Reconnects = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.TunnelReconnectOptions>;
using Reorderings = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.TunnelReorderingOptions>;
using S = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.QuicTunnelClientOptions>;

namespace MtaTls.QuicTunnel.Configuration;

/// <summary>The settings of the section <c>QuicTunnelClient</c>, and the settings that the concentrator shares.</summary>
internal static class TunnelSettings
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    public static SettingTable<TunnelInterfaceOptions> Interface { get; } = new(
    [
        Devices.Choice<TunnelInterfaceKind>(
            nameof(TunnelInterfaceOptions.Kind), "What packets come from and go to: a TUN device (Linux), or an InMemoryPacketInterface of the application.", o => o.Kind, (o, v) => o.Kind = v),
        Devices.Text(
            nameof(TunnelInterfaceOptions.Name), "The name of the device, 1 to 15 characters. To create it, or to change its Addresses, Routes or Mtu, the application needs CAP_NET_ADMIN. On an existing device, it changes only what differs.", o => o.Name, (o, v) => o.Name = v),
        Devices.List(
            nameof(TunnelInterfaceOptions.Addresses), "The host's own addresses in the tunnel, with their prefix lengths: 10.99.0.1/24, fd99::1/64. Required with Tun.", o => o.Addresses),
        Devices.List(
            nameof(TunnelInterfaceOptions.Routes), "Networks that are routed into the tunnel, in addition to those of Addresses: 10.0.0.0/8, ::/0.", o => o.Routes),
        Devices.Integer(
            nameof(TunnelInterfaceOptions.Mtu), "The largest packet in the tunnel. IPv6 needs at least 1,280.", o => o.Mtu, (o, v) => o.Mtu = v, 576, 65_535, "bytes"),
        Devices.Integer(
            nameof(TunnelInterfaceOptions.Queues), "The number of queues of the TUN device, each with its own thread.", o => o.Queues, (o, v) => o.Queues = v, 1, 16, "queues"),
        Devices.Boolean(
            nameof(TunnelInterfaceOptions.Offload), "Whether the host and the TUN device exchange several packets of a flow as one merged packet (TSO and GRO).", o => o.Offload, (o, v) => o.Offload = v),
        Devices.List(
            nameof(TunnelInterfaceOptions.Up), "A program (its full path) and its arguments. It runs when the TUN device has its addresses, for example to set name servers and routes.", o => o.Up),
        Devices.List(
            nameof(TunnelInterfaceOptions.Down), "A program (its full path) and its arguments. It runs before the TUN device is closed.", o => o.Down),
        Devices.Integer(
            nameof(TunnelInterfaceOptions.QueueLength), "The most packets that wait in an InMemoryPacketInterface to be read. Further ones are dropped.",
            o => o.QueueLength, (o, v) => o.QueueLength = v, 1, 65_536, "packets"),
    ]);

    public static SettingTable<TunnelReorderingOptions> Reordering { get; } = new(
    [
        Reorderings.Boolean(
            nameof(TunnelReorderingOptions.Enabled), "Whether packets are put back into order. Set it to false for peers whose Packet Tag is not a packet count.",
            o => o.Enabled, (o, v) => o.Enabled = v),
        Reorderings.Duration(
            nameof(TunnelReorderingOptions.MaxDelay), "The longest time that a packet waits for missing packets before it.",
            o => o.MaxDelay, (o, v) => o.MaxDelay = v, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(5)),
        Reorderings.Integer(
            nameof(TunnelReorderingOptions.MaxPackets), "The most packets of one session that wait.", o => o.MaxPackets, (o, v) => o.MaxPackets = v, 1, 16_384, "packets"),
    ]);

    public static SettingTable<TunnelQueueOptions> Queue { get; } = new(
    [
        Queues.Integer(nameof(TunnelQueueOptions.MaxPackets), "The most packets of one session that wait.", o => o.MaxPackets, (o, v) => o.MaxPackets = v, 16, 16_384, "packets"),
        Queues.Duration(
            nameof(TunnelQueueOptions.Target), "The acceptable standing delay in the queue (CoDel). If a slower path is also used, 2.5 times the delay difference of the paths is added.",
            o => o.Target, (o, v) => o.Target = v, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1)),
        Queues.Duration(
            nameof(TunnelQueueOptions.Interval), "How long the delay may stay above Target before a packet is dropped (CoDel): about the longest usual round-trip time.",
            o => o.Interval, (o, v) => o.Interval = v, TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(10)),
    ]);

    public static SettingTable<TunnelReconnectOptions> Reconnect { get; } = new(
    [
        Reconnects.Duration(
            nameof(TunnelReconnectOptions.InitialDelay), "The first delay before a lost connection is opened again. It doubles with each failure.",
            o => o.InitialDelay, (o, v) => o.InitialDelay = v, TimeSpan.FromMilliseconds(1), s_hour),
        Reconnects.Duration(
            nameof(TunnelReconnectOptions.MaxDelay), "The longest delay.", o => o.MaxDelay, (o, v) => o.MaxDelay = v, TimeSpan.FromMilliseconds(1), s_hour),
        Reconnects.Number(
            nameof(TunnelReconnectOptions.Jitter), "The random part of each delay, so that not all clients connect at once after the concentrator has restarted.",
            o => o.Jitter, (o, v) => o.Jitter = v, 0, 1),
    ]);

    public static SettingTable<TunnelKeepAliveOptions> KeepAlive { get; } = new(
    [
        KeepAlives.Duration(
            nameof(TunnelKeepAliveOptions.Interval), "A PING is sent after this time without a packet. It keeps the path, and the address translation (NAT) on it, alive.",
            o => o.Interval, (o, v) => o.Interval = v, TimeSpan.FromSeconds(1), s_hour),
    ]);

    /// <summary>The client's section.</summary>
    public static SettingTable<QuicTunnelClientOptions> Client { get; } = new(
    [
        S.Text(nameof(QuicTunnelClientOptions.Host), "The concentrator: a domain name or an IP address.", o => o.Host, (o, v) => o.Host = v, required: true),
        S.Integer(nameof(QuicTunnelClientOptions.Port), "The UDP port of the concentrator.", o => o.Port, (o, v) => o.Port = v, 1, 65_535),
        S.Text(
            nameof(QuicTunnelClientOptions.TargetHost), "The name that the concentrator's certificate must be valid for. A domain name is also sent as server_name (SNI).",
            o => o.TargetHost, (o, v) => o.TargetHost = v, defaultText: "the value of Host"),
        S.File(
            nameof(QuicTunnelClientOptions.AuthorityPath),
            "A PEM file with the authorities that may issue the concentrator's certificate, instead of the machine's authorities. A changed file is read again before the next connection. Relative to the content root.",
            o => o.AuthorityPath, (o, v) => o.AuthorityPath = v, "the machine's authorities"),
        S.Section(
            nameof(QuicTunnelClientOptions.ClientCertificate),
            "The client's certificate, with the schema of Kestrel:Certificates, for a concentrator that requires one. Renewed files are read again before the next connection.",
            o => o.ClientCertificate, CertificateSettings.Table),
        S.Text(nameof(QuicTunnelClientOptions.Token), "The bearer token, for a concentrator that requires one: at most 255 bytes of UTF-8.", o => o.Token, (o, v) => o.Token = v),
        S.Text(
            nameof(QuicTunnelClientOptions.QosIndication), "The kind of traffic in the session, in a form that the concentrator's operator understands: at most 255 bytes of UTF-8. Not together with Token.",
            o => o.QosIndication, (o, v) => o.QosIndication = v),
        S.List(
            nameof(QuicTunnelClientOptions.LocalAddresses), "Local addresses and names of network interfaces, at most 32. There is one connection for each. With ActiveBackup the first one is preferred.",
            o => o.LocalAddresses, defaultText: "one connection, as the routes decide"),
        S.ChoiceMap<AccessNetwork>(
            nameof(QuicTunnelClientOptions.AccessNetworks), "The kind of access network of entries of LocalAddresses. Their failure is then reported to the concentrator over the other paths.",
            (o, entry, access) => o.AccessNetworks[entry] = access),
        S.Boolean(
            nameof(QuicTunnelClientOptions.RequestAddresses), "Whether the client asks the concentrator for its addresses in the tunnel. Interface:Addresses must then be empty.", o => o.RequestAddresses, (o, v) => o.RequestAddresses = v),
        S.Boolean(
            nameof(QuicTunnelClientOptions.UsePreferredAddress), "Whether the client uses the address that one of several concentrators announces as its own (RFC 9000, section 9.6), for all connections of a session.",
            o => o.UsePreferredAddress, (o, v) => o.UsePreferredAddress = v),
        S.Section(nameof(QuicTunnelClientOptions.Interface), "The interface that packets for the tunnel come from.", o => o.Interface, Interface),
        S.Section(nameof(QuicTunnelClientOptions.Reordering), "How packets from the concentrator are put back into order.", o => o.Reordering, Reordering),
        S.Choice<TunnelScheduler>(
            nameof(QuicTunnelClientOptions.Scheduler), "How packets to the concentrator are distributed over the paths.", o => o.Scheduler, (o, v) => o.Scheduler = v),
        S.Section(nameof(QuicTunnelClientOptions.Queue), "The queue of packets to the concentrator that wait for the paths.", o => o.Queue, Queue),
        S.Choice<TunnelCongestionControl>(
            nameof(QuicTunnelClientOptions.CongestionControl), "The congestion control algorithm of each path for the packets that the client sends.", o => o.CongestionControl, (o, v) => o.CongestionControl = v),
        S.File(
            nameof(QuicTunnelClientOptions.QlogDirectory), "The directory for one qlog file per connection. Use it only to find faults, because it costs time. Relative to the content root.",
            o => o.QlogDirectory, (o, v) => o.QlogDirectory = v, "no files"),
        S.Section(nameof(QuicTunnelClientOptions.KeepAlive), "How paths without traffic are kept alive.", o => o.KeepAlive, KeepAlive),
        S.Duration(
            nameof(QuicTunnelClientOptions.IdleTimeout), "A connection that receives no packet for this long is lost.",
            o => o.IdleTimeout, (o, v) => o.IdleTimeout = v, TimeSpan.FromSeconds(1), s_hour),
        S.Duration(
            nameof(QuicTunnelClientOptions.ConnectTimeout), "How long a handshake may take, and then joining a session.",
            o => o.ConnectTimeout, (o, v) => o.ConnectTimeout = v, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
        S.Section(nameof(QuicTunnelClientOptions.Reconnect), "When a lost connection is opened again.", o => o.Reconnect, Reconnect),
    ]);
}
