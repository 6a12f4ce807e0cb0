using MtaTls.Protocol;
using S = MtaTls.Configuration.Settings<MtaTls.Protocol.MtaTlsSessionLimits>;

namespace MtaTls.Configuration;

/// <summary>
/// The limits of a session as settings, for the server and the client: one entry for each member of <see cref="MtaTlsSessionLimits"/>. Binding, range errors, equality, the schemas,
/// the options page and the tests come from this table.
/// </summary>
internal static class SessionLimits
{
    private const int Most = 1_000_000_000;

    public static SettingTable<MtaTlsSessionLimits> Table { get; } = new(
    [
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxChannelsPerSession),
            "Open channels of one session, including channels whose application has not ended yet. Further opens are refused.",
            l => l.MaxChannelsPerSession, (l, v) => l.MaxChannelsPerSession = v, 1, 1_000_000, "channels"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxPendingChannels),
            "Opens of one session that were received and not answered yet. Further opens are refused.",
            l => l.MaxPendingChannels, (l, v) => l.MaxPendingChannels = v, 1, 65_536, "channels"),
        S.Integer(
            nameof(MtaTlsSessionLimits.InitialWindowSize),
            "How much the peer may send on a new channel before the first acknowledgment.",
            l => l.InitialWindowSize, (l, v) => l.InitialWindowSize = v, 4_096, 1 << 30, "bytes"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxWindowSize),
            "How far the window of a channel that is read fast may grow. Not less than InitialWindowSize.",
            l => l.MaxWindowSize, (l, v) => l.MaxWindowSize = v, 4_096, 1 << 30, "bytes"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxPacketLength),
            "The longest data that the peer may send in one packet. Less than InitialWindowSize. With its header a packet of the default length fills one TLS record.",
            l => l.MaxPacketLength, (l, v) => l.MaxPacketLength = v, 1, 16_777_215, "bytes"),
        S.Integer(
            nameof(MtaTlsSessionLimits.SessionReceiveBudget),
            "How much of one session's data may be in flight or unread. At least 4,096 bytes for each of MaxChannelsPerSession.",
            l => l.SessionReceiveBudget, (l, v) => l.SessionReceiveBudget = v, 4_096L, long.MaxValue / 2, "bytes"),
        S.Integer(
            nameof(MtaTlsSessionLimits.OutputBufferSize),
            "How much a channel's application may have written and not sent before its next flush waits.",
            l => l.OutputBufferSize, (l, v) => l.OutputBufferSize = v, 1, 1 << 30, "bytes"),
        S.Integer(
            nameof(MtaTlsSessionLimits.SessionSendBudget),
            "How much the buffers of one session may hold for data that is not sent. The less is left, the earlier a flush waits; never before its channel has 4,096 unsent bytes.",
            l => l.SessionSendBudget, (l, v) => l.SessionSendBudget = v, 4_096L, long.MaxValue / 2, "bytes"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxQueuedAnswers),
            "Refusals and confirmations that wait to be sent. A peer that causes more without reading them loses its session.",
            l => l.MaxQueuedAnswers, (l, v) => l.MaxQueuedAnswers = v, 16, 1 << 20, "packets"),
        S.Integer(
            nameof(MtaTlsSessionLimits.RememberedChannelIds),
            "Ids of closed channels that are remembered: late packets for them are ignored, packets for other unknown ids end the session.",
            l => l.RememberedChannelIds, (l, v) => l.RememberedChannelIds = v, 4_096, 1 << 20, "channels"),
        S.Duration(
            nameof(MtaTlsSessionLimits.CloseLingerTimeout),
            "How long a closing channel may make no progress in sending what its application wrote. Then the rest is discarded.",
            l => l.CloseLingerTimeout, (l, v) => l.CloseLingerTimeout = v),
        S.Duration(
            nameof(MtaTlsSessionLimits.CloseTimeout),
            "How long the peer may take to confirm that a channel is closed, and to answer close_notify. Then the session ends.",
            l => l.CloseTimeout, (l, v) => l.CloseTimeout = v),
        S.Duration(
            nameof(MtaTlsSessionLimits.WriteStallTimeout),
            "How long the peer may read nothing while data waits to be sent to it. Then the session ends. Some 64 KiB must be taken within it.",
            l => l.WriteStallTimeout, (l, v) => l.WriteStallTimeout = v, infinite: true),
        S.Duration(
            nameof(MtaTlsSessionLimits.ChannelWriteStallTimeout),
            "How long the peer may grant a channel no window while data waits to be sent on it. Then the channel is closed and the session goes on.",
            l => l.ChannelWriteStallTimeout, (l, v) => l.ChannelWriteStallTimeout = v, infinite: true),
        S.Integer(
            nameof(MtaTlsSessionLimits.MinPeerPacketLength),
            "The smallest max_packet_length that the peer may announce. Opens below it are refused, channels that fall below it are closed.",
            l => l.MinPeerPacketLength, (l, v) => l.MinPeerPacketLength = v, 1, 16_384, "bytes"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxOpensPerSecond),
            "The peer's opens in one second; 0 for no limit. Further opens are refused.",
            l => l.MaxOpensPerSecond, (l, v) => l.MaxOpensPerSecond = v, 0, Most, "opens a second"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxSignalsPerSecond),
            "The peer's pings and go-aways in one second; 0 for no limit. Further signals are refused without effect.",
            l => l.MaxSignalsPerSecond, (l, v) => l.MaxSignalsPerSecond = v, 0, Most, "signals a second"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxEmptyPacketsPerSecond),
            "The peer's packets in one second that carry nothing; 0 for no limit. A peer that sends more loses its session.",
            l => l.MaxEmptyPacketsPerSecond, (l, v) => l.MaxEmptyPacketsPerSecond = v, 0, Most, "packets a second"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxSmallPacketsPerSecond),
            "The peer's data packets in one second that carry 1 to 31 bytes; 0 for no limit. A peer that sends more loses its session.",
            l => l.MaxSmallPacketsPerSecond, (l, v) => l.MaxSmallPacketsPerSecond = v, 0, Most, "packets a second"),
        S.Integer(
            nameof(MtaTlsSessionLimits.MaxAcknowledgmentsPerSecond),
            "The peer's Acknowledgment and NewMaxPacketLength packets in one second; 0 for no limit. A peer that sends more loses its session.",
            l => l.MaxAcknowledgmentsPerSecond, (l, v) => l.MaxAcknowledgmentsPerSecond = v, 0, Most, "packets a second"),
    ]);

    /// <summary>Reports limits that contradict each other.</summary>
    /// <param name="limits">The limits.</param>
    /// <param name="key">The key of their section.</param>
    /// <param name="errors">Where errors go.</param>
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
                $"{limits.SessionReceiveBudget} leaves less than 4,096 bytes for each of MaxChannelsPerSession ({limits.MaxChannelsPerSession}). The least is {least}.");
        }
    }
}
