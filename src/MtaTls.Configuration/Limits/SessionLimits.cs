using MtaTls.Protocol;
using S = MtaTls.Configuration.Settings<MtaTls.Protocol.MtaTlsSessionLimits>;

namespace MtaTls.Configuration;

/// <summary>
/// The limits of a session as settings, for the server and the client: one entry for each member of <see cref="MtaTlsSessionLimits"/>. Binding, range errors, equality, the schemas,
/// the options page and the tests use this table.
/// </summary>
internal static class SessionLimits
{
    private const int Most = 1_000_000_000;

    public static SettingTable<MtaTlsSessionLimits> Table { get; } = new(
    [
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxChannelsPerSession),
            "The most channels of one session, including channels whose application has not ended yet. More are refused.",
            l => l.MaxChannelsPerSession, (l, v) => l.MaxChannelsPerSession = v, 1, 1_000_000, "channels"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxPendingChannels),
            "The most requests to open a channel that were received and not answered yet. More are refused.",
            l => l.MaxPendingChannels, (l, v) => l.MaxPendingChannels = v, 1, 65_536, "channels"),
        S.Integer(
            nameof(MtaTlsSessionLimits.InitialWindowSize),
            "How many bytes the peer may send on a new channel before the first acknowledgment.",
            l => l.InitialWindowSize, (l, v) => l.InitialWindowSize = v, 4_096, 1 << 30, "bytes"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxWindowSize),
            "The size up to which the window of a channel grows while its application reads fast. Not less than InitialWindowSize.",
            l => l.MaxWindowSize, (l, v) => l.MaxWindowSize = v, 4_096, 1 << 30, "bytes"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxPacketLength),
            "The most data that the peer may send in one packet. Less than InitialWindowSize. A packet of the default length fills one TLS record, with its header.",
            l => l.MaxPacketLength, (l, v) => l.MaxPacketLength = v, 1, 16_777_215, "bytes"),
        S.Integer(
            nameof(MtaTlsSessionLimits.SessionReceiveBudget),
            "How many bytes of one session may be granted to the peer or unread. At least 4,096 bytes for each of MaxChannelsPerSession.",
            l => l.SessionReceiveBudget, (l, v) => l.SessionReceiveBudget = v, 4_096L, long.MaxValue / 2, "bytes"),
        S.Integer(
            nameof(MtaTlsSessionLimits.OutputBufferSize),
            "The unsent bytes of a channel at which its application's next flush waits.",
            l => l.OutputBufferSize, (l, v) => l.OutputBufferSize = v, 1, 1 << 30, "bytes"),
        S.Integer(
            nameof(MtaTlsSessionLimits.SessionSendBudget),
            "The most bytes of the buffers that hold one session's unsent data. The less is left, the earlier a flush waits, but never before its channel has 4,096 unsent bytes.",
            l => l.SessionSendBudget, (l, v) => l.SessionSendBudget = v, 4_096L, long.MaxValue / 2, "bytes"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxQueuedAnswers),
            "The most refusals and confirmations that wait to be sent. When the peer causes more and does not read them, the session ends.",
            l => l.MaxQueuedAnswers, (l, v) => l.MaxQueuedAnswers = v, 16, 1 << 20, "packets"),
        S.Integer(
            nameof(MtaTlsSessionLimits.RememberedChannelIds),
            "The number of closed channels whose ids are remembered. Late packets for them are ignored. Packets for other unknown ids end the session.",
            l => l.RememberedChannelIds, (l, v) => l.RememberedChannelIds = v, 4_096, 1 << 20, "channels"),
        S.Duration(
            nameof(MtaTlsSessionLimits.CloseLingerTimeout),
            "How long a closing channel may make no progress in sending the rest of its data. Then the rest is discarded.",
            l => l.CloseLingerTimeout, (l, v) => l.CloseLingerTimeout = v),
        S.Duration(
            nameof(MtaTlsSessionLimits.CloseTimeout),
            "How long the peer may take to confirm that a channel is closed. Then the session ends. It also limits the time to send close_notify at the end of a session.",
            l => l.CloseTimeout, (l, v) => l.CloseTimeout = v),
        S.Duration(
            nameof(MtaTlsSessionLimits.WriteStallTimeout),
            "How long the peer may take to read about 64 KiB while data waits for it. Then the session ends.",
            l => l.WriteStallTimeout, (l, v) => l.WriteStallTimeout = v, infinite: true),
        S.Duration(
            nameof(MtaTlsSessionLimits.ChannelWriteStallTimeout),
            "How long the peer may grant a channel no window while data waits to be sent on it. Then the channel is closed and the session goes on.",
            l => l.ChannelWriteStallTimeout, (l, v) => l.ChannelWriteStallTimeout = v, infinite: true),
        S.Integer(
            nameof(MtaTlsSessionLimits.MinPeerPacketLength),
            "The smallest max_packet_length that the peer may announce. A request with less is refused, and a channel for which the peer announces less later is closed.",
            l => l.MinPeerPacketLength, (l, v) => l.MinPeerPacketLength = v, 1, 16_384, "bytes"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxOpensPerSecond),
            "The most requests of the peer to open a channel in one second; 0 for no limit. More are refused.",
            l => l.MaxOpensPerSecond, (l, v) => l.MaxOpensPerSecond = v, 0, Most, "opens a second"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxSignalsPerSecond),
            "The most pings and go-aways of the peer in one second; 0 for no limit. More are refused and have no effect.",
            l => l.MaxSignalsPerSecond, (l, v) => l.MaxSignalsPerSecond = v, 0, Most, "signals a second"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxEmptyPacketsPerSecond),
            "The most packets of the peer in one second that carry nothing; 0 for no limit. When it sends more, the session ends.",
            l => l.MaxEmptyPacketsPerSecond, (l, v) => l.MaxEmptyPacketsPerSecond = v, 0, Most, "packets a second"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxSmallPacketsPerSecond),
            "The most data packets of the peer in one second that carry 1 to 31 bytes; 0 for no limit. When it sends more, the session ends.",
            l => l.MaxSmallPacketsPerSecond, (l, v) => l.MaxSmallPacketsPerSecond = v, 0, Most, "packets a second"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxAcknowledgmentsPerSecond),
            "The most Acknowledgment and NewMaxPacketLength packets of the peer in one second; 0 for no limit. When it sends more, the session ends.",
            l => l.MaxAcknowledgmentsPerSecond, (l, v) => l.MaxAcknowledgmentsPerSecond = v, 0, Most, "packets a second"),
    ]);

    /// <summary>Adds an error for each pair of limits that contradict each other.</summary>
    /// <param name="limits">The limits.</param>
    /// <param name="key">The key of their section.</param>
    /// <param name="errors">The list to add errors to.</param>
    public static void Validate(MtaTlsSessionLimits limits, string key, ErrorList errors)
    {
        if (limits.MaxWindowSize < limits.InitialWindowSize)
        {
            errors.Add($"{key}:{nameof(limits.MaxWindowSize)}", $"{limits.MaxWindowSize} is less than InitialWindowSize ({limits.InitialWindowSize}).");
        }

        if (limits.MaxPacketLength >= limits.InitialWindowSize)
        {
            errors.Add($"{key}:{nameof(limits.MaxPacketLength)}", $"{limits.MaxPacketLength} is not less than InitialWindowSize ({limits.InitialWindowSize}).");
        }

        long least = 4_096L * limits.MaxChannelsPerSession;
        if (limits.SessionReceiveBudget < least)
        {
            errors.Add(
                $"{key}:{nameof(limits.SessionReceiveBudget)}",
                $"{limits.SessionReceiveBudget} is less than 4,096 bytes for each of MaxChannelsPerSession ({limits.MaxChannelsPerSession}). It must be at least {least}.");
        }
    }
}
