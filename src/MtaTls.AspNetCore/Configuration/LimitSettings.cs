using MtaTls.Configuration;
using Rule = MtaTls.Configuration.Settings<MtaTls.AspNetCore.MtaTlsIdentityLimitOptions>;
using S = MtaTls.Configuration.Settings<MtaTls.AspNetCore.MtaTlsLimits>;

namespace MtaTls.AspNetCore.Configuration;

/// <summary>The settings of <c>MtaTls:Limits</c>: the limits of each session, which the client has too, and the limits of the server.</summary>
internal static class LimitSettings
{
    private const int Most = 1_000_000;
    private const long Least = 65_536;
    private const long MostBytes = 1L << 40;

    /// <summary>One rule of <c>MtaTls:IdentityLimits</c>.</summary>
    public static SettingTable<MtaTlsIdentityLimitOptions> Identity { get; } = new(
    [
        Rule.Text(nameof(MtaTlsIdentityLimitOptions.Name), "The rule's name in logs and metrics.", r => r.Name, (r, v) => r.Name = v, defaultText: "its position in the list"),
        Rule.Optional<ClientCertificateConditionOptions>(
            nameof(MtaTlsIdentityLimitOptions.ClientCertificate), "What the client certificate of the session must be. Each kind that is set must hold; within a list one entry is enough.",
            (r, v) => r.ClientCertificate = v, RoutingSettings.ClientCertificate, "any certificate"),
        Rule.Choice<MtaTlsIdentityScope>(
            nameof(MtaTlsIdentityLimitOptions.Per), "Which clients share the limits: those with the same certificate, those with the same issuer and subject, or all clients of the rule.", r => r.Per, (r, v) => r.Per = v),
        Rule.Integer(
            nameof(MtaTlsIdentityLimitOptions.MaxSessions), "Sessions at a time; 0 for no limit. A further session is ended; all its opens are refused.",
            r => r.MaxSessions, (r, v) => r.MaxSessions = v, 0, MtaTlsIdentityLimitOptions.MostCount, "sessions"),
        Rule.Integer(
            nameof(MtaTlsIdentityLimitOptions.MaxChannels), "Open channels of all sessions of the client; 0 for no limit. Further opens are refused.",
            r => r.MaxChannels, (r, v) => r.MaxChannels = v, 0, MtaTlsIdentityLimitOptions.MostCount, "channels"),
        Rule.Integer(
            nameof(MtaTlsIdentityLimitOptions.MaxOpensPerSecond), "Opens in one second; 0 for no limit. Further opens are refused.",
            r => r.MaxOpensPerSecond, (r, v) => r.MaxOpensPerSecond = v, 0, MtaTlsIdentityLimitOptions.MostCount, "opens"),
        Rule.Integer(
            nameof(MtaTlsIdentityLimitOptions.ReceiveBytesPerSecond), "Channel data that all sessions of the client may send to the server in one second; 0 for no limit, else at least 4,096. Data above it waits.",
            r => r.ReceiveBytesPerSecond, (r, v) => r.ReceiveBytesPerSecond = v, 0, MtaTlsIdentityLimitOptions.MostRate, "bytes"),
        Rule.Integer(
            nameof(MtaTlsIdentityLimitOptions.SendBytesPerSecond), "Channel data that the server may send to all sessions of the client in one second; 0 for no limit, else at least 4,096. Data above it waits.",
            r => r.SendBytesPerSecond, (r, v) => r.SendBytesPerSecond = v, 0, MtaTlsIdentityLimitOptions.MostRate, "bytes"),
    ]);

    public static SettingTable<MtaTlsLimits> Table { get; } = new(
    [
        .. SessionLimits.Table.Select(static limit => limit.In<MtaTlsLimits>(l => l.Session)),
        S.Integer(
            nameof(MtaTlsLimits.AddressReceiveBudget),
            "How much data of all sessions of one client address (an IPv4 address, or a /64 of IPv6) may be in flight or unread. No limit if it is not less than ServerReceiveBudget.",
            l => l.AddressReceiveBudget, (l, v) => l.AddressReceiveBudget = v, Least, MostBytes, "bytes"),
        S.Integer(
            nameof(MtaTlsLimits.ServerReceiveBudget),
            "How much data of all sessions of the server may be in flight or unread. Not less than SessionReceiveBudget. When an eighth of it is left, windows stop growing. When all of it is used, opens are refused.",
            l => l.ServerReceiveBudget, (l, v) => l.ServerReceiveBudget = v, Least, MostBytes, "bytes"),
        S.Integer(
            nameof(MtaTlsLimits.AddressSendBudget),
            "How much unsent data the buffers of all sessions of one client address (an IPv4 address, or a /64 of IPv6) may hold. No limit if it is not less than ServerSendBudget.",
            l => l.AddressSendBudget, (l, v) => l.AddressSendBudget = v, Least, MostBytes, "bytes"),
        S.Integer(
            nameof(MtaTlsLimits.ServerSendBudget),
            "How much unsent data the buffers of all sessions of the server may hold. Not less than SessionSendBudget. The less is left, the earlier a flush waits.",
            l => l.ServerSendBudget, (l, v) => l.ServerSendBudget = v, Least, MostBytes, "bytes"),
        S.Duration(
            nameof(MtaTlsLimits.HandshakeTimeout), "How long a TLS handshake may take, from the connection's start.",
            l => l.HandshakeTimeout, (l, v) => l.HandshakeTimeout = v, infinite: true),
        S.Duration(
            nameof(MtaTlsLimits.ChannelIdleTimeout), "How long an open channel may wait for its first byte.",
            l => l.ChannelIdleTimeout, (l, v) => l.ChannelIdleTimeout = v, infinite: true),
        S.Duration(
            nameof(MtaTlsLimits.SessionIdleTimeout), "How long a session may have no channel while its client sends no pings. Then the server ends it with close_notify.",
            l => l.SessionIdleTimeout, (l, v) => l.SessionIdleTimeout = v, infinite: true),
        S.Duration(
            nameof(MtaTlsLimits.SessionLifetime),
            "The age at which a session is replaced, shortened by a random part of up to a tenth. The client is told to open another session, and this one ends when its channels have finished.",
            l => l.SessionLifetime, (l, v) => l.SessionLifetime = v, infinite: true),
        S.Integer(
            nameof(MtaTlsLimits.MaxClientHelloLength),
            "The longest ClientHello in which the server looks for the extension, record headers included. Kestrel's HTTPS serves connections with a longer one.",
            l => l.MaxClientHelloLength, (l, v) => l.MaxClientHelloLength = v, 512, 131_072, "bytes"),
        S.Integer(
            nameof(MtaTlsLimits.MaxHandshakes), "TLS handshakes of all endpoints at a time. Further connections that offer the extension are closed.",
            l => l.MaxHandshakes, (l, v) => l.MaxHandshakes = v, 1, Most, "handshakes"),
        S.Integer(
            nameof(MtaTlsLimits.MaxSessions), "MTA-TLS sessions of all endpoints at a time. Further connections that offer the extension are closed.",
            l => l.MaxSessions, (l, v) => l.MaxSessions = v, 1, Most, "sessions"),
        S.Integer(
            nameof(MtaTlsLimits.MaxSessionsPerAddress), "Handshakes and sessions of one client address (an IPv4 address, or a /64 of IPv6) at a time; 0 for no limit.",
            l => l.MaxSessionsPerAddress, (l, v) => l.MaxSessionsPerAddress = v, 0, Most, "sessions"),
        S.Integer(
            nameof(MtaTlsLimits.MaxChannels), "Open channels of all sessions together. Further opens are refused.",
            l => l.MaxChannels, (l, v) => l.MaxChannels = v, 1, Most, "channels"),
    ]);
}
