using MtaTls.Configuration;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore;

/// <summary>
/// Limits of the resources that clients can use (<c>MtaTls:Limits</c>): per session, per client address, and for the whole server. They are read at startup; a change of the configuration needs a restart.
/// </summary>
public sealed class MtaTlsLimits
{
    /// <summary>Open channels of one session, including channels whose application has not ended yet; 1 to 1,000,000, default 10,000. Further opens are refused.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxChannelsPerSession { get => Session.MaxChannelsPerSession; set => Session.MaxChannelsPerSession = value; }

    /// <summary>Opens of one session that were received and not yet answered; 1 to 65,536, default 256. Further opens are refused.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxPendingChannels { get => Session.MaxPendingChannels; set => Session.MaxPendingChannels = value; }

    /// <summary>The bytes that a client may send on a new channel before the first Acknowledgment (sender_window_length and receiver_window_length; draft, section 2.1.1); 4,096 to 1 GiB, default 262,144 (256 KiB).</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int InitialWindowSize { get => Session.InitialWindowSize; set => Session.InitialWindowSize = value; }

    /// <summary>The bytes to which the window of a channel may grow if its application reads fast; 4,096 to 1 GiB, default 8,388,608 (8 MiB). Not less than <see cref="InitialWindowSize"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxWindowSize { get => Session.MaxWindowSize; set => Session.MaxWindowSize = value; }

    /// <summary>
    /// The longest data that one packet may carry to the server (max_packet_length; draft, sections 2.1.1 and 2.2); 1 to 16,777,215 bytes, default 16,375:
    /// with its header of 9 bytes a full packet then fills one TLS record. Less than <see cref="InitialWindowSize"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxPacketLength { get => Session.MaxPacketLength; set => Session.MaxPacketLength = value; }

    /// <summary>
    /// The bytes that all channels of one session may have in flight or unread; default 67,108,864 (64 MiB). The windows of the channels share it. At least
    /// 4,096 for each of <see cref="MaxChannelsPerSession"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public long SessionReceiveBudget { get => Session.SessionReceiveBudget; set => Session.SessionReceiveBudget = value; }

    /// <summary>
    /// The bytes that all sessions of the server may have in flight or unread; 65,536 to 2^40, default 1,073,741,824 (1 GiB), not less than <see cref="SessionReceiveBudget"/>.
    /// When an eighth of it is left, windows stop growing; the eighth is kept for the first 4,096 bytes of each channel. When all of it is used, opens are refused.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public long ServerReceiveBudget { get; set => field = Ranges.Check(value, 65_536, 1L << 40); } = 1L << 30;

    /// <summary>
    /// The bytes that all sessions of one client address (an IPv4 address, or a /64 of IPv6) may have in flight or unread; 65,536 to 2^40, default 805,306,368 (768 MiB), so that a quarter of
    /// <see cref="ServerReceiveBudget"/> is left for other addresses. If it is not less than that budget, there is no limit per address.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public long AddressReceiveBudget { get; set => field = Ranges.Check(value, 65_536, 1L << 40); } = 3L << 28;

    /// <summary>
    /// The bytes that the buffers of all sessions of the server may hold for data that is written and not yet sent; 65,536 to 2^40, default 268,435,456 (256 MiB), not less than
    /// <see cref="SessionSendBudget"/>. The less of it is left, the earlier a flush waits. When it is exceeded, channels that cannot send are closed.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public long ServerSendBudget { get; set => field = Ranges.Check(value, 65_536, 1L << 40); } = 1L << 28;

    /// <summary>
    /// The bytes that the buffers of all sessions of one client address (an IPv4 address, or a /64 of IPv6) may hold for data that is written and not yet sent; 65,536 to 2^40, default 201,326,592
    /// (192 MiB), so that a quarter of <see cref="ServerSendBudget"/> is left for other addresses. If it is not less than that budget, there is no limit per address.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public long AddressSendBudget { get; set => field = Ranges.Check(value, 65_536, 1L << 40); } = 3L << 26;

    /// <summary>
    /// How long a TLS handshake may take, from the connection's start; more than 0 and at most 24 days, default 10 seconds, or <see cref="Timeout.InfiniteTimeSpan"/>.
    /// If <c>HttpsConnectionAdapterOptions.HandshakeTimeout</c> is set and shorter, it applies instead.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan HandshakeTimeout { get; set => field = Ranges.PositiveOrInfinite(value); } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long an open channel may wait for its first byte under <see cref="MtaTlsDispatch.FirstData"/>. Then it is closed. More than 0 and at most 24 days, default 00:02:10, or
    /// <see cref="Timeout.InfiniteTimeSpan"/>. The default is that of Kestrel's keep-alive timeout, which applies after the first byte.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan ChannelIdleTimeout { get; set => field = Ranges.PositiveOrInfinite(value); } = TimeSpan.FromSeconds(130);

    /// <summary>
    /// How long a session may have no channel while its client sends no pings; more than 0 and at most 24 days, default 00:02:10, or <see cref="Timeout.InfiniteTimeSpan"/>. Then the server ends it with close_notify.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan SessionIdleTimeout { get; set => field = Ranges.PositiveOrInfinite(value); } = TimeSpan.FromSeconds(130);

    /// <summary>
    /// The age at which a session is replaced, for example so that load balancers distribute clients again and clients resolve DNS names again; more than 0 and at most 24 days, default <see cref="Timeout.InfiniteTimeSpan"/>.
    /// A random part of up to a tenth is subtracted. At that age the client is told to open another session (go-away), and HTTP/1.1 channels end with their next response. 30 seconds later opens are
    /// refused, and the session ends when its open channels have finished. It does not apply to sessions on which the server opens channels, such as those of agents.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan SessionLifetime { get; set => field = Ranges.PositiveOrInfinite(value); } = Timeout.InfiniteTimeSpan;

    /// <summary>
    /// How long a channel whose application has ended may make no progress in sending its written data, before the rest is discarded; more than 0 and at most 24 days,
    /// default 5 seconds.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan CloseLingerTimeout { get => Session.CloseLingerTimeout; set => Session.CloseLingerTimeout = value; }

    /// <summary>How long a client may take to confirm that a channel is closed (ChannelCloseConfirmation; draft, section 2.1.2), and to answer close_notify, before its session is ended; more than 0 and at most 24 days, default 30 seconds.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan CloseTimeout { get => Session.CloseTimeout; set => Session.CloseTimeout = value; }

    /// <summary>
    /// How long a client may read nothing while bytes wait to be sent to it, before its session is ended; more than 0 and at most 24 days, default 60 seconds, or
    /// <see cref="Timeout.InfiniteTimeSpan"/>. The client must read about 64 KiB in this time.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan WriteStallTimeout { get => Session.WriteStallTimeout; set => Session.WriteStallTimeout = value; }

    /// <summary>
    /// How long a client may grant a channel no window while bytes wait to be sent on it; more than 0 and at most 24 days, default 5 minutes, or
    /// <see cref="Timeout.InfiniteTimeSpan"/>. After that the channel is closed, and the session goes on. Kestrel's MinResponseDataRate ends HTTP responses sooner.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan ChannelWriteStallTimeout { get => Session.ChannelWriteStallTimeout; set => Session.ChannelWriteStallTimeout = value; }

    /// <summary>
    /// The bytes that the buffers of all channels of one session may hold for data that is written and not yet sent; 4,096 or more, default 67,108,864 (64 MiB). The less of it is
    /// left, the earlier a channel's flush waits: as soon as the channel has more unsent bytes than an eighth of what is left, but never below 4,096.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public long SessionSendBudget { get => Session.SessionSendBudget; set => Session.SessionSendBudget = value; }

    /// <summary>The unsent bytes of a channel from which the next flush of its application waits; 1 to 1 GiB, default 131,072 (128 KiB).</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int OutputBufferSize { get => Session.OutputBufferSize; set => Session.OutputBufferSize = value; }

    /// <summary>
    /// Refusals and confirmations of one session that wait to be sent; 16 to 1,048,576, default 16,384. If a client causes more without reading them, its session ends.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxQueuedAnswers { get => Session.MaxQueuedAnswers; set => Session.MaxQueuedAnswers = value; }

    /// <summary>
    /// The ids of closed channels that a session remembers; 4,096 to 1,048,576, default 4,096. Late packets for them are ignored. Packets for other unknown ids end the session.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int RememberedChannelIds { get => Session.RememberedChannelIds; set => Session.RememberedChannelIds = value; }

    /// <summary>
    /// The smallest max_packet_length that a client may announce; 1 to 16,384, default 1: any that the draft allows. Opens below it are refused, and channels that fall below it
    /// are closed, because packets with one byte of data are ten times as long as their data.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MinPeerPacketLength { get => Session.MinPeerPacketLength; set => Session.MinPeerPacketLength = value; }

    /// <summary>Opens of one session in one second; 0 to 1,000,000,000, default 0: no limit. Further opens are refused.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxOpensPerSecond { get => Session.MaxOpensPerSecond; set => Session.MaxOpensPerSecond = value; }

    /// <summary>Pings and go-aways of one session in one second; 0 (no limit) to 1,000,000,000, default 10. Further ones are refused and have no effect.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxSignalsPerSecond { get => Session.MaxSignalsPerSecond; set => Session.MaxSignalsPerSecond = value; }

    /// <summary>
    /// Packets of one session in one second that carry nothing useful: data without bytes, acknowledgments of nothing, NewMaxPacketLength, packets for closed
    /// channels, and opens that are refused. 0 to 1,000,000,000, default 200,000; 0: no limit. If a client sends more, its session ends.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxEmptyPacketsPerSecond { get => Session.MaxEmptyPacketsPerSecond; set => Session.MaxEmptyPacketsPerSecond = value; }

    /// <summary>
    /// Data packets of one session in one second that carry 1 to 31 bytes; 0 to 1,000,000,000, default 0: no limit, because interactive typing causes such packets. If a client
    /// sends more, its session ends.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxSmallPacketsPerSecond { get => Session.MaxSmallPacketsPerSecond; set => Session.MaxSmallPacketsPerSecond = value; }

    /// <summary>
    /// Acknowledgment and NewMaxPacketLength packets of one session in one second; 0 to 1,000,000,000, default 0: no limit, because a client that reads fast
    /// sends many. If a client sends more, its session ends.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxAcknowledgmentsPerSecond { get => Session.MaxAcknowledgmentsPerSecond; set => Session.MaxAcknowledgmentsPerSecond = value; }

    /// <summary>
    /// The longest ClientHello in which the server looks for the extension, in bytes, record headers included; 512 to 131,072, default 16,384 (a client that offers post-quantum
    /// key shares sends about 2,000). Kestrel's HTTPS serves a connection with a longer one; if MTA-TLS is required, it gets a fatal alert.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxClientHelloLength { get; set => field = Ranges.Check(value, 512, 131_072); } = 16_384;

    /// <summary>
    /// MTA-TLS handshakes of all endpoints at a time, from the complete ClientHello; 1 to 1,000,000, default 10,000. Further connections that offer the
    /// extension are closed. Connections that have sent nothing, or want ordinary HTTPS, do not count: <see cref="HandshakeTimeout"/> and Kestrel's
    /// MaxConcurrentConnections limit them.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxHandshakes { get; set => field = Ranges.Check(value, 1, 1_000_000); } = 10_000;

    /// <summary>
    /// MTA-TLS sessions of all endpoints at a time; 1 to 1,000,000, default 100,000. Further connections that offer the extension are closed. Ordinary
    /// HTTPS connections do not count; Kestrel's MaxConcurrentConnections limits both.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxSessions { get; set => field = Ranges.Check(value, 1, 1_000_000); } = 100_000;

    /// <summary>
    /// Handshakes and MTA-TLS sessions of one client address (an IPv4 address, or a /64 of IPv6) at a time; 0 to 1,000,000, default 0: no limit, because many
    /// clients can share one address. Further connections that offer the extension are closed.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxSessionsPerAddress { get; set => field = Ranges.Check(value, 0, 1_000_000); }

    /// <summary>
    /// Open channels of all sessions together, including channels whose application has not ended yet; 1 to 1,000,000, default 1,000,000. Further opens
    /// are refused.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxChannels { get; set => field = Ranges.Check(value, 1, 1_000_000); } = 1_000_000;

    /// <summary>The limits that MtaTls.Protocol enforces.</summary>
    internal MtaTlsSessionLimits Session { get; } = new();
}
