using MtaTls.Configuration;
using Devices = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.TunnelInterfaceOptions>;
using KeepAlives = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.TunnelKeepAliveOptions>;
using Queues = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.TunnelQueueOptions>;
using Reconnects = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.TunnelReconnectOptions>;
using Reorderings = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.TunnelReorderingOptions>;
using S = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.QuicTunnelClientOptions>;

namespace MtaTls.QuicTunnel.Configuration;

/// <summary>The settings of the section <c>QuicTunnelClient</c>, and those that the concentrator has too.</summary>
internal static class TunnelSettings
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    public static SettingTable<TunnelInterfaceOptions> Interface { get; } = new(
    [
        Devices.Choice<TunnelInterfaceKind>(
            nameof(TunnelInterfaceOptions.Kind), "Where packets come from and go to: a TUN device (Linux), or an InMemoryPacketInterface of the application.", o => o.Kind, (o, v) => o.Kind = v),
        Devices.Text(
            nameof(TunnelInterfaceOptions.Name), "The device's name, 1 to 15 characters. A device that exists is used as it is.", o => o.Name, (o, v) => o.Name = v),
        Devices.List(
            nameof(TunnelInterfaceOptions.Addresses), "The host's own addresses in the tunnel, with their prefix lengths: 10.99.0.1/24, fd99::1/64. Required with Tun.", o => o.Addresses),
        Devices.List(
            nameof(TunnelInterfaceOptions.Routes), "Networks that are routed into the tunnel besides those of Addresses: 10.0.0.0/8, ::/0.", o => o.Routes),
        Devices.Integer(
            nameof(TunnelInterfaceOptions.Mtu), "The largest packet; IPv6 needs 1,280.", o => o.Mtu, (o, v) => o.Mtu = v, 576, 65_535, "bytes"),
        Devices.Integer(
            nameof(TunnelInterfaceOptions.Queues), "Queues of the TUN device, each with a thread of its own.", o => o.Queues, (o, v) => o.Queues = v, 1, 16, "queues"),
        Devices.Boolean(
            nameof(TunnelInterfaceOptions.Offload), "Whether the host and the TUN device hand over several packets of a flow in one piece (TSO and GRO).", o => o.Offload, (o, v) => o.Offload = v),
        Devices.List(
            nameof(TunnelInterfaceOptions.Up), "A program, by its full path, and its arguments: runs when the TUN device has its addresses, for name servers and routes.", o => o.Up),
        Devices.List(
            nameof(TunnelInterfaceOptions.Down), "A program, by its full path, and its arguments: runs before the TUN device is closed.", o => o.Down),
        Devices.Integer(
            nameof(TunnelInterfaceOptions.QueueLength), "Packets that wait in an InMemoryPacketInterface to be read. Further ones are dropped.",
            o => o.QueueLength, (o, v) => o.QueueLength = v, 1, 65_536, "packets"),
    ]);

    public static SettingTable<TunnelReorderingOptions> Reordering { get; } = new(
    [
        Reorderings.Boolean(
            nameof(TunnelReorderingOptions.Enabled), "Whether packets are put back into order. Set it to false for peers that use the Packet Tag for something else than a count.",
            o => o.Enabled, (o, v) => o.Enabled = v),
        Reorderings.Duration(
            nameof(TunnelReorderingOptions.MaxDelay), "How long a packet waits at most for those before it.",
            o => o.MaxDelay, (o, v) => o.MaxDelay = v, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(5)),
        Reorderings.Integer(
            nameof(TunnelReorderingOptions.MaxPackets), "How many packets of one session wait at most.", o => o.MaxPackets, (o, v) => o.MaxPackets = v, 1, 16_384, "packets"),
    ]);

    public static SettingTable<TunnelQueueOptions> Queue { get; } = new(
    [
        Queues.Integer(nameof(TunnelQueueOptions.MaxPackets), "How many packets of one session wait at most.", o => o.MaxPackets, (o, v) => o.MaxPackets = v, 16, 16_384, "packets"),
        Queues.Duration(
            nameof(TunnelQueueOptions.Target), "The delay in the queue that may stay (CoDel). Where a slower path is used as well, the difference of the paths comes on top.",
            o => o.Target, (o, v) => o.Target = v, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1)),
        Queues.Duration(
            nameof(TunnelQueueOptions.Interval), "How long a larger delay may last before a packet is dropped (CoDel): about the longest round-trip time of most connections.",
            o => o.Interval, (o, v) => o.Interval = v, TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(10)),
    ]);

    public static SettingTable<TunnelReconnectOptions> Reconnect { get; } = new(
    [
        Reconnects.Duration(
            nameof(TunnelReconnectOptions.InitialDelay), "The first pause before a lost connection is tried again. It doubles with each failure.",
            o => o.InitialDelay, (o, v) => o.InitialDelay = v, TimeSpan.FromMilliseconds(1), s_hour),
        Reconnects.Duration(
            nameof(TunnelReconnectOptions.MaxDelay), "The longest pause.", o => o.MaxDelay, (o, v) => o.MaxDelay = v, TimeSpan.FromMilliseconds(1), s_hour),
        Reconnects.Number(
            nameof(TunnelReconnectOptions.Jitter), "The part of each pause that is random, so that the clients of a concentrator that restarts do not all come back at once.",
            o => o.Jitter, (o, v) => o.Jitter = v, 0, 1),
    ]);

    public static SettingTable<TunnelKeepAliveOptions> KeepAlive { get; } = new(
    [
        KeepAlives.Duration(
            nameof(TunnelKeepAliveOptions.Interval), "A PING after so long without a packet keeps a path alive, and the address translation on it.",
            o => o.Interval, (o, v) => o.Interval = v, TimeSpan.FromSeconds(1), s_hour),
    ]);

    /// <summary>The client's section.</summary>
    public static SettingTable<QuicTunnelClientOptions> Client { get; } = new(
    [
        S.Text(nameof(QuicTunnelClientOptions.Host), "The concentrator: a domain name or an IP address.", o => o.Host, (o, v) => o.Host = v, required: true),
        S.Integer(nameof(QuicTunnelClientOptions.Port), "The UDP port of the concentrator.", o => o.Port, (o, v) => o.Port = v, 1, 65_535),
        S.Text(
            nameof(QuicTunnelClientOptions.TargetHost), "The name that the concentrator's certificate must be for, and that is sent as server_name (SNI).",
            o => o.TargetHost, (o, v) => o.TargetHost = v, defaultText: "the value of Host"),
        S.File(
            nameof(QuicTunnelClientOptions.AuthorityPath),
            "A PEM file with the authorities that the concentrator's certificate must come from, in place of the machine's. It is read again when it has changed. Relative to the content root.",
            o => o.AuthorityPath, (o, v) => o.AuthorityPath = v, "the machine's authorities"),
        S.Section(
            nameof(QuicTunnelClientOptions.ClientCertificate),
            "The client's certificate, with the schema of Kestrel:Certificates, for a concentrator that wants one. Renewed files are read again before the next connection.",
            o => o.ClientCertificate, CertificateSettings.Table),
        S.Text(nameof(QuicTunnelClientOptions.Token), "The bearer token, for a concentrator that wants one: at most 255 bytes of UTF-8.", o => o.Token, (o, v) => o.Token = v),
        S.Text(
            nameof(QuicTunnelClientOptions.QosIndication), "What kind of traffic the session carries, in a form that the concentrator's operator understands: at most 255 bytes of UTF-8. Not together with Token.",
            o => o.QosIndication, (o, v) => o.QosIndication = v),
        S.List(
            nameof(QuicTunnelClientOptions.LocalAddresses), "Local addresses and names of network interfaces, one connection from each; at most 32. With ActiveBackup the first is preferred.",
            o => o.LocalAddresses, defaultText: "one connection, as the routes say"),
        S.ChoiceMap<AccessNetwork>(
            nameof(QuicTunnelClientOptions.AccessNetworks), "The kind of access network of entries of LocalAddresses, whose loss is then reported to the concentrator over the other paths.",
            (o, entry, access) => o.AccessNetworks[entry] = access),
        S.Boolean(
            nameof(QuicTunnelClientOptions.RequestAddresses), "Asks the concentrator for addresses in the tunnel. Interface:Addresses stays empty then.", o => o.RequestAddresses, (o, v) => o.RequestAddresses = v),
        S.Section(nameof(QuicTunnelClientOptions.Interface), "Where packets for the tunnel come from.", o => o.Interface, Interface),
        S.Section(nameof(QuicTunnelClientOptions.Reordering), "How packets from the concentrator are put back into order.", o => o.Reordering, Reordering),
        S.Choice<TunnelScheduler>(
            nameof(QuicTunnelClientOptions.Scheduler), "How packets to the concentrator are spread over the paths.", o => o.Scheduler, (o, v) => o.Scheduler = v),
        S.Section(nameof(QuicTunnelClientOptions.Queue), "How packets to the concentrator wait that the paths cannot carry yet.", o => o.Queue, Queue),
        S.Choice<TunnelCongestionControl>(
            nameof(QuicTunnelClientOptions.CongestionControl), "The congestion control of each path for what the client sends.", o => o.CongestionControl, (o, v) => o.CongestionControl = v),
        S.File(
            nameof(QuicTunnelClientOptions.QlogDirectory), "A directory where each connection writes what happens to it as a qlog file. For finding faults. Relative to the content root.",
            o => o.QlogDirectory, (o, v) => o.QlogDirectory = v, "nowhere"),
        S.Section(nameof(QuicTunnelClientOptions.KeepAlive), "How paths without traffic are kept alive.", o => o.KeepAlive, KeepAlive),
        S.Duration(
            nameof(QuicTunnelClientOptions.IdleTimeout), "A connection on which nothing is received for this long is lost.",
            o => o.IdleTimeout, (o, v) => o.IdleTimeout = v, TimeSpan.FromSeconds(1), s_hour),
        S.Duration(
            nameof(QuicTunnelClientOptions.ConnectTimeout), "How long connecting and joining may take.",
            o => o.ConnectTimeout, (o, v) => o.ConnectTimeout = v, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
        S.Section(nameof(QuicTunnelClientOptions.Reconnect), "When a lost connection is tried again.", o => o.Reconnect, Reconnect),
    ]);
}
